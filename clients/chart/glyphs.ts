/** A sign as strokes of a pen, in a box 16 high; `width` is how far the strokes reach. */
interface Glyph {
  readonly width: number;
  readonly path: string;
}

/**
 * The signs of numbers and times. Drawn, because no font is where Switchboard runs, and one for thirteen signs would be larger than all of its pictures.
 */
const GLYPHS: Readonly<Record<string, Glyph>> = {
  "0": { width: 10, path: "M5 0C8.2 0 10 3 10 8S8.2 16 5 16 0 13 0 8 1.8 0 5 0Z" },
  "1": { width: 6, path: "M1 3.2L6 0V16" },
  "2": { width: 10, path: "M.4 4.4C.4 1.7 2.4 0 5 0S9.6 1.8 9.6 4.3C9.6 6.2 8.7 7.5 7 9.2L.4 16H10" },
  "3": { width: 10, path: "M.8 0H9.2L4.6 6.2C8 6.2 10 8.3 10 11.1 10 14 7.8 16 4.8 16 2.4 16 .8 15 0 13" },
  "4": { width: 10.5, path: "M7.5 16V0L0 11.6H10.5" },
  "5": { width: 10, path: "M9 0H1.6L.9 7.2C2 6.4 3.3 5.9 4.8 5.9 7.9 5.9 10 8 10 10.9S7.8 16 4.7 16C2.5 16 .9 15.1 0 13.4" },
  "6": { width: 10, path: "M7 0L1.2 7.8C.4 8.9 0 9.9 0 11 0 13.8 2.2 16 5 16S10 13.8 10 11 7.8 6.1 5 6.1C3.4 6.1 2 6.8 1.1 8" },
  "7": { width: 10, path: "M0 0H10L3.6 16" },
  "8": {
    width: 10,
    path: "M5 7.2C2.6 7.2 .9 5.7 .9 3.6S2.6 0 5 0 9.1 1.5 9.1 3.6 7.4 7.2 5 7.2C2 7.2 0 9 0 11.6S2 16 5 16 10 14.2 10 11.6 8 7.2 5 7.2Z",
  },
  "9": { width: 10, path: "M3 16L8.8 8.2C9.6 7.1 10 6.1 10 5 10 2.2 7.8 0 5 0S0 2.2 0 5 2.2 9.9 5 9.9C6.6 9.9 8 9.2 8.9 8" },
  ":": { width: 0, path: "M0 4.5V4.6M0 12.4V12.5" },
  ".": { width: 0, path: "M0 15.9V16" },
  "-": { width: 6, path: "M0 8.5H6" },
  k: { width: 7.5, path: "M0 0V16M7 5.8L0 11.8M2.9 9.4L7.5 16" },
  M: { width: 12, path: "M0 16V0L6 9.5L12 0V16" },
};

const BOX = 16;
/** Between two signs. */
const GAP = 4.6;
const PEN = 2.1;

/** How words are drawn. */
export interface Lettering {
  /** Where they begin, are centred, or end. */
  readonly x: number;
  /** The line they stand on. */
  readonly y: number;
  readonly anchor: "start" | "middle" | "end";
  /** How high the digits are. */
  readonly size: number;
  readonly colour: string;
}

/** Words of digits, `:`, `.`, `-`, `k` and `M` as SVG; other signs are left out. */
export function drawWords(words: string, { x, y, anchor, size, colour }: Lettering): string {
  const scale = size / BOX;
  const shift = { start: 0, middle: 0.5, end: 1 }[anchor] * widthOf(words, size);
  let at = 0;
  const paths: string[] = [];
  for (const sign of words) {
    const glyph = GLYPHS[sign];
    if (!glyph) continue;
    paths.push(`<path transform="translate(${round(at)} 0)" d="${glyph.path}"/>`);
    at += glyph.width + GAP;
  }
  const place = `translate(${round(x - shift)} ${round(y - size)}) scale(${round(scale)})`;
  const pen = `fill="none" stroke="${colour}" stroke-width="${PEN}" stroke-linecap="round" stroke-linejoin="round"`;
  return `<g transform="${place}" ${pen}>${paths.join("")}</g>`;
}

/** How wide words become. */
export function widthOf(words: string, size: number): number {
  const widths = [...words].flatMap((sign) => GLYPHS[sign]?.width ?? []);
  const sum = widths.reduce((total, width) => total + width, 0) + GAP * Math.max(0, widths.length - 1);
  return (sum * size) / BOX;
}

/** Short numbers in SVG. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
