import type { PlainChart } from "../../core/chart.ts";
import { compact, timeTicks, valueTicks } from "./axes.ts";
import { drawWords, round, widthOf } from "./glyphs.ts";

/** The colours of `SERIES_MARKS`, as phones show those signs. Each is told from its neighbours, and from the ground. */
export const SERIES_COLOURS = ["#3B8CF5", "#FF9330", "#34C26B", "#F0495B", "#A872F0", "#FFD23F", "#A9714B", "#E6E9ED"] as const;

/** A ground of its own, neither white nor black: the picture is the same in a dark and a light chat. */
export const GROUND = "#17212B";
const GRID = "#2C3A48";
const BASE = "#5B6B7B";
const WORDS = "#B4C1CD";
const STRONG = "#FFFFFF";

/** The size of the drawing; its pixels are more. 1000 units are as wide as a phone, so digits of 22 are 9 points high there. */
const WIDTH = 1_000;
const HEIGHT = 600;
const DIGITS = 22;
const MARGIN = { top: 56, right: 34, bottom: 62, left: 30 };
/** Between the labels and the plot. */
const PAD = 16;
/** Of a span so much is bar; where there are few spans, a bar is no wider than this. */
const FILL = 0.82;
const WIDEST = 90;
/** A span that is not over is pale, or it would look like a fall. */
const PALE = 0.45;

interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly y: (value: number) => number;
}

/** A chart as SVG: bars of the parts upon each other, a grid, numbers and times. It holds no words and no links. */
export function toSvg(chart: PlainChart): string {
  const sums = sumsOf(chart);
  const ticks = valueTicks(Math.max(1, ...sums));
  const top = ticks.at(-1)?.value ?? 1;
  const left = MARGIN.left + Math.max(...ticks.map(({ label }) => widthOf(label, DIGITS))) + PAD;
  const [upper, bottom, right] = [MARGIN.top, HEIGHT - MARGIN.bottom, WIDTH - MARGIN.right];
  const plot: Plot = { left, right, top: upper, bottom, y: (value) => bottom - (value / top) * (bottom - upper) };
  const grid = ticks.map(({ value, label }) => {
    const y = round(plot.y(value));
    const line = `<path d="M${round(left)} ${y}H${right}" stroke="${value === 0 ? BASE : GRID}" stroke-width="${value === 0 ? 2 : 1.5}"/>`;
    return line + drawWords(label, { x: left - PAD, y: y + DIGITS / 2, anchor: "end", size: DIGITS, colour: WORDS });
  });
  const parts = [...grid, drawTimes(chart, plot), drawPeak(sums, plot), drawBars(chart, plot, sums.length)];
  const size = `width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect width="100%" height="100%" fill="${GROUND}"/>${parts.join("")}</svg>`;
}

function sumsOf({ series }: PlainChart): readonly number[] {
  const sums = (series[0]?.values ?? []).map(() => 0);
  for (const { values } of series) for (const [at, value] of values.entries()) sums[at] = (sums[at] ?? 0) + value;
  return sums;
}

function drawTimes(chart: PlainChart, { left, right, bottom }: Plot): string {
  const spans = chart.series[0]?.values.length ?? 1;
  const begin = Date.parse(chart.from);
  const marks = timeTicks(chart).map(({ value, label }) => {
    const x = left + ((value - begin) / (spans * chart.span_s * 1_000)) * (right - left);
    const half = widthOf(label, DIGITS) / 2;
    const middle = Math.min(Math.max(x, half + 6), WIDTH - half - 6);
    const line = `<path d="M${round(x)} ${bottom}v9" stroke="${BASE}" stroke-width="2"/>`;
    return line + drawWords(label, { x: middle, y: bottom + 20 + DIGITS, anchor: "middle", size: DIGITS, colour: WORDS });
  });
  return marks.join("");
}

function drawBars({ series, from, until, span_s }: PlainChart, { left, right, y }: Plot, spans: number): string {
  const slot = (right - left) / Math.max(1, spans);
  const width = Math.min(slot * FILL, WIDEST);
  const isOpen = Date.parse(until) < Date.parse(from) + spans * span_s * 1_000;
  const below = Array.from({ length: spans }, () => 0);
  const bars = series.map(({ values }, at) => {
    const rects = values.map((value, span) => {
      const [base, upper] = [below[span] ?? 0, (below[span] ?? 0) + value];
      below[span] = upper;
      if (value === 0) return "";
      const box = `x="${round(left + slot * span + (slot - width) / 2)}" y="${round(y(upper))}" width="${round(width)}"`;
      const pale = isOpen && span === spans - 1 ? ` opacity="${PALE}"` : "";
      return `<rect ${box} height="${round(y(base) - y(upper))}"${pale}/>`;
    });
    return `<g fill="${SERIES_COLOURS[at] ?? WORDS}">${rects.join("")}</g>`;
  });
  return bars.join("");
}

/** How many there were where there were most. */
function drawPeak(sums: readonly number[], { left, right, y }: Plot): string {
  const most = Math.max(0, ...sums);
  if (most === 0) return "";
  const label = compact(most);
  const half = widthOf(label, DIGITS) / 2;
  const x = left + ((sums.indexOf(most) + 0.5) / sums.length) * (right - left);
  const middle = Math.min(Math.max(x, left + half + 4), right - half);
  const line = y(most) - 12;
  // So that no line of the grid goes through it.
  const ground = `<rect x="${round(middle - half - 6)}" y="${round(line - DIGITS - 5)}" width="${round(2 * half + 12)}" height="${DIGITS + 10}" fill="${GROUND}"/>`;
  return ground + drawWords(label, { x: middle, y: line, anchor: "middle", size: DIGITS, colour: STRONG });
}
