import { z } from "zod";
import { type FormattedText, parseHtml } from "./html.ts";
import { jsonParam, type Params, textParam } from "./params.ts";
import { badRequest } from "./refusal.ts";
import type { Entity } from "./types.ts";

/** UTF-16 units after the markup was read: https://core.telegram.org/bots/api#sendmessage */
export const MESSAGE_CHARS = 4_096;
/** More than any markup of 4,096 characters needs; it keeps the reading of one call short. */
const MARKUP_CHARS = 65_536;

/** What Telegram finds in a text by itself. */
const FOUND: readonly (readonly [type: string, pattern: RegExp])[] = [
  ["bot_command", /(?<![\w/@<>])\/[a-z0-9_]{1,64}(?:@[a-z0-9_]{3,32})?(?![\w/@])/giu],
  ["mention", /(?<![\w@./:])@[a-z0-9_]{3,32}(?!\w)/giu],
  [
    "url",
    /(?<![\w@/])(?:https?:\/\/[^\s<>"]+[^\s<>".,;:!?)]|(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|info|ru|kr)(?:\/[^\s<>"]*)?(?![\w@]))/giu,
  ],
  ["email", /(?<![\w.@])[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?!\w)/giu],
];

/** Commands, mentions and addresses in a text, as Telegram marks them for the bot. */
export function findEntities(text: string): Entity[] {
  const found = FOUND.flatMap(([type, pattern]) =>
    [...text.matchAll(pattern)].map(({ index, 0: { length } }) => ({ type, offset: index, length })),
  );
  const apart = found.filter((entity, at) => !found.slice(0, at).some((other) => overlap(other, entity)));
  return apart.sort((a, b) => a.offset - b.offset);
}

const overlap = (a: Entity, b: Entity) => a.offset < b.offset + b.length && b.offset < a.offset + a.length;

/** White space around a text goes, and the entities move with it. */
function trim({ text, entities }: FormattedText): FormattedText {
  const start = text.length - text.trimStart().length;
  const kept = text.trim();
  const moved = entities.flatMap((entity) => {
    const from = Math.max(0, entity.offset - start);
    const to = Math.min(kept.length, entity.offset + entity.length - start);
    return to > from ? [{ ...entity, offset: from, length: to - from }] : [];
  });
  return { text: kept, entities: moved };
}

const ENTITIES = z.array(z.looseObject({ type: z.string(), offset: z.int().min(0), length: z.int().min(1) }));

function givenEntities(params: Params, { field, text }: { field: string; text: string }): Entity[] {
  const value = jsonParam(params, field, "message entities");
  const parsed = ENTITIES.safeParse(value ?? []);
  if (!parsed.success) throw badRequest("can't parse MessageEntity");
  for (const { offset, length } of parsed.data) {
    if (offset + length > text.length) throw badRequest(`entity beginning at UTF-16 offset ${offset} ends after the end of the text`);
  }
  return parsed.data;
}

/** UTF-16 units after the markup was read: https://core.telegram.org/bots/api#senddocument */
export const CAPTION_CHARS = 1_024;

type Written = FormattedText & { readonly html: string | undefined };

interface Field {
  readonly name: "text" | "caption";
  readonly entities: "entities" | "caption_entities";
  readonly max: number;
  /** The platform's answer to a longer one. */
  readonly tooLong: string;
}

function readField(params: Params, { name, entities: field, max, tooLong }: Field): Written {
  const text = textParam(params, name);
  if (text.length > MARKUP_CHARS) throw badRequest(tooLong);
  const mode = textParam(params, "parse_mode").toLowerCase();
  // Markdown is not emulated: Switchboard writes HTML, and a wrong mode must not pass unseen.
  if (mode !== "" && mode !== "html") throw badRequest("unsupported parse_mode");
  const formatted = trim(mode === "html" ? parseHtml(text) : { text, entities: givenEntities(params, { field, text }) });
  if (formatted.text.length > max) throw badRequest(tooLong);
  const found = findEntities(formatted.text).filter((entity) => !formatted.entities.some((given) => overlap(given, entity)));
  const entities = [...formatted.entities, ...found].sort((a, b) => a.offset - b.offset);
  return { text: formatted.text, entities, html: mode === "html" && text !== "" ? text : undefined };
}

/** The text of a call and the markup it was written in. `tooLong` is the platform's answer past 4,096 characters. */
export function formattedTextParam(params: Params, tooLong: string): Written {
  if (textParam(params, "text") === "") throw badRequest("message text is empty");
  const written = readField(params, { name: "text", entities: "entities", max: MESSAGE_CHARS, tooLong });
  if (written.text === "") throw badRequest("text must be non-empty");
  return written;
}

/** The caption of a file, which may be empty. */
export function captionParam(params: Params): Written {
  const tooLong = "message caption is too long";
  return readField(params, { name: "caption", entities: "caption_entities", max: CAPTION_CHARS, tooLong });
}
