import { type Reply, text } from "../core/reply.ts";

/** Longest line that every platform's button can carry, in characters (Telegram's 64 bytes, less our mark). */
const BUTTON_LINE = 62;

/** The way to the next page: a button, and where the line is too long for one, the line itself. @param line without a leading slash; null for none */
export function nextPage(line: string | null): Pick<Reply, "buttons" | "lines"> {
  if (line === null) return {};
  if (line.length <= BUTTON_LINE) return { buttons: [{ label: text("reply.next_page"), action: { kind: "say", line } }] };
  return { lines: [text("reply.next_page_line", { line: `/${line}` })] };
}

/** A line of a command and the flags that have a value. */
export function lineOf(command: string, flags: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(flags).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name} ${value}`];
  });
  return [command, ...given].join(" ");
}
