import { type Reply, text } from "../core/reply.ts";
import { quote } from "../core/text/quotes.ts";

/** Longest line that every platform's button can carry, in characters (Telegram's 64 bytes, less our mark). */
const BUTTON_LINE = 62;

/** The way to the next page: a button, and where the line is too long for one, the line itself. @param line without a leading slash; null for none */
export function nextPage(line: string | null): Pick<Reply, "buttons" | "lines"> {
  if (line === null) return {};
  if (line.length <= BUTTON_LINE) return { buttons: [{ label: text("reply.next_page"), action: { kind: "say", line } }] };
  return { lines: [text("reply.next_page_line", { line: `/${line}` })] };
}

/** Words that are read as they stand, without quotes. */
const BARE = /^[\p{L}\p{N}_.:@/][\p{L}\p{N}_.:@/+=-]*$/u;

/** A word of a line, in quotes where it is read as it is meant only in them. */
export function wordOf(value: string): string {
  return BARE.test(value) ? value : quote(value);
}

/** A line of a command and the flags that have a value. */
export function lineOf(command: string, flags: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(flags).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name} ${wordOf(String(value))}`];
  });
  return [command, ...given].join(" ");
}
