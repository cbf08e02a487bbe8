import { readReference } from "./references.ts";
import { badRequest } from "./refusal.ts";
import { type OpenTag, openTag } from "./tags.ts";
import type { Entity } from "./types.ts";

/** A text and what its markup means. */
export interface FormattedText {
  readonly text: string;
  readonly entities: readonly Entity[];
}

interface Cursor {
  readonly html: string;
  at: number;
  text: string;
  readonly stack: OpenTag[];
  readonly entities: { readonly order: number; readonly entity: Entity }[];
  opened: number;
}

/** How Telegram counts in its messages about markup: bytes of UTF-8. */
const byteOffset = (html: string, at: number) => Buffer.byteLength(html.slice(0, at));

const cannotParse = (what: string) => badRequest(`can't parse entities: ${what}`);

function closeTag(cursor: Cursor): void {
  const start = cursor.at;
  const offset = byteOffset(cursor.html, start);
  const open = cursor.stack.pop();
  if (!open) throw cannotParse(`Unexpected end tag at byte offset ${offset}`);
  const match = /^<\/([^\s>]*)\s*>/.exec(cursor.html.slice(start));
  if (!match) throw cannotParse(`Unclosed end tag at byte offset ${offset}`);
  const [whole, name = ""] = match;
  if (name !== "" && name.toLowerCase() !== open.name) {
    throw cannotParse(`Unmatched end tag at byte offset ${offset}, expected "</${open.name}>", found "</${name.toLowerCase()}>"`);
  }
  cursor.at = start + whole.length;
  const length = cursor.text.length - open.start;
  const entity = length > 0 ? open.entity(cursor.text.slice(open.start)) : undefined;
  if (entity) cursor.entities.push({ order: open.order, entity: { ...entity, offset: open.start, length } });
}

function step(cursor: Cursor): void {
  const { html, at } = cursor;
  if (html[at] === "&") {
    const { value, end } = readReference(html, at);
    cursor.text += value;
    cursor.at = end;
  } else if (html[at] !== "<") {
    cursor.text += html[at];
    cursor.at += 1;
  } else if (html[at + 1] === "/") {
    closeTag(cursor);
  } else {
    const { name, end, entity } = openTag(html, at, { fail: cannotParse, parent: cursor.stack.at(-1)?.name });
    cursor.stack.push({ name, entity, start: cursor.text.length, order: cursor.opened });
    cursor.opened += 1;
    cursor.at = end;
  }
}

/**
 * Reads Telegram's HTML as strictly as Telegram: unknown, unclosed and crossed tags are refused.
 * https://core.telegram.org/bots/api#html-style; the wording follows TDLib's parser, whose tests are public.
 */
export function parseHtml(html: string): FormattedText {
  const cursor: Cursor = { html, at: 0, text: "", stack: [], entities: [], opened: 0 };
  while (cursor.at < html.length) step(cursor);
  const open = cursor.stack.at(-1);
  if (open) throw cannotParse(`Can't find end tag corresponding to start tag "${open.name}"`);
  const sorted = cursor.entities.sort((a, b) => a.entity.offset - b.entity.offset || a.order - b.order);
  return { text: cursor.text, entities: sorted.map(({ entity }) => entity) };
}
