const MARKUP: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
/** Words are cut at a space where the last one before the end is not further back than this part of the whole. */
const SPACE_WITHIN = 0.5;

/** Control characters and halves of surrogate pairs make Telegram refuse a message. */
export function clean(words: string): string {
  return words.replace(/\r\n?/g, "\n").replace(/(?![\n\t])\p{Cc}|\p{Surrogate}/gu, "\ufffd");
}

/** Words as text of Telegram's HTML: what people typed is never markup. */
export function escapeHtml(words: string): string {
  return clean(words).replace(/[&<>]/g, (sign) => MARKUP[sign] ?? sign);
}

/** The beginning of words that takes no more room than this when escaped; whole characters. */
export function beginningOf(words: string, room: number): string {
  let size = 0;
  let end = 0;
  for (const sign of words) {
    size += MARKUP[sign]?.length ?? sign.length;
    if (size > room) break;
    end += sign.length;
  }
  return words.slice(0, end);
}

/** Words as lines that each fit the room when escaped: cut at line breaks, and what is longer at spaces, because half an address looks like another one. */
export function linesOf(words: string, room: number): readonly string[] {
  return clean(words)
    .split("\n")
    .flatMap((line) => cutLine(line, room));
}

function cutLine(line: string, room: number): string[] {
  const cuts: string[] = [];
  let left = line;
  for (let start = beginningOf(left, room); start.length < left.length; start = beginningOf(left, room)) {
    const space = start.search(/\s\S*$/);
    const end = space > start.length * SPACE_WITHIN ? space : start.length;
    cuts.push(left.slice(0, end));
    left = left.slice(end).replace(/^\s/, "");
  }
  return [...cuts, left];
}
