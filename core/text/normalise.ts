import { text } from "../reply.ts";
import { hasControlCharacter, repairCharacters } from "./characters.ts";
import { invalidInput } from "./invalid-input.ts";
import { unwrapLinks } from "./links.ts";
import { closingQuote, isSingleQuote, opensQuote, quote, unescapeQuoted } from "./quotes.ts";

/** The longest line that is read, in UTF-16 units. Telegram allows 4,096, Webex 7,439 bytes, Slack 40,000; nobody types more than this. */
export const MAX_LINE_CHARS = 16_384;

const DASHES = /[-‐‑‒–—―−﹘﹣]+/y;
const SPACES = /\s*/y;
const FLAG_NAME = /\p{L}[^\s=]*=/uy;
const WORD = /\S*/y;
const APOSTROPHE = /(?<=\p{L})[‘’ʼ′](?=\p{L})/gu;

/**
 * A line as its writer meant it: what phones, keyboards and platforms did to quotes, dashes, spaces, widths and links is undone.
 * Inside quotes dashes and other quotes stay. Doing it twice changes nothing more.
 * @throws OpsError `invalid_input` for control characters and for lines over `MAX_LINE_CHARS`
 */
export function normalise(line: string): string {
  if (line.length > MAX_LINE_CHARS) throw invalidInput("", text("parse.line_too_long", { max: MAX_LINE_CHARS }));
  if (hasControlCharacter(line)) throw invalidInput("", text("parse.control_character"));
  return repairWords(unwrapLinks(repairCharacters(line)));
}

function repairWords(line: string): string {
  let repaired = "";
  let at = 0;
  while (at < line.length) {
    const gap = read(SPACES, line, at);
    const word = repairWord(line, at + gap.length);
    repaired += gap + word.repaired;
    at = word.end;
  }
  return repaired;
}

function repairWord(line: string, start: number): { repaired: string; end: number } {
  const dashes = read(DASHES, line, start);
  const afterDashes = start + dashes.length;
  const lead = repairDashes(dashes, line.charAt(afterDashes));
  const flag = lead === "--" ? read(FLAG_NAME, line, afterDashes) : "";
  const quoteAt = afterDashes + flag.length;
  const mayQuote = dashes === "" || flag !== "";
  const quoted = mayQuote && opensQuote(line[quoteAt]) ? repairQuoted(line, quoteAt) : { repaired: "", end: quoteAt };
  const rest = read(WORD, line, quoted.end);
  return { repaired: lead + flag + quoted.repaired + rest.replaceAll(APOSTROPHE, "'"), end: quoted.end + rest.length };
}

/** Phones make one long dash of `--`, and word processors a minus sign of `-`. */
function repairDashes(dashes: string, next: string): string {
  if (/^-*$/.test(dashes)) return dashes;
  if (/[A-Za-z]/.test(next)) return "--";
  return dashes.length === 1 && /\d/.test(next) ? "-" : dashes;
}

/** A quotation in straight quotes; one that is never closed gets its first quote straight, and `tokenise` refuses it. */
function repairQuoted(line: string, open: number): { repaired: string; end: number } {
  const opener = line.charAt(open);
  const close = closingQuote(line, open);
  if (close === -1) return { repaired: straight(opener) + line.slice(open + 1), end: line.length };
  const end = close + 1;
  if (straight(opener) === opener && line[close] === opener) return { repaired: line.slice(open, end), end };
  return { repaired: quote(unescapeQuoted(line.slice(open + 1, close), opener)), end };
}

function straight(opener: string): string {
  return isSingleQuote(opener) ? "'" : '"';
}

function read(pattern: RegExp, line: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(line)?.[0] ?? "";
}
