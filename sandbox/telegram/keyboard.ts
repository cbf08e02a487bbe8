import { z } from "zod";
import { jsonParam, type Params } from "./params.ts";
import { badRequest } from "./refusal.ts";
import type { Button, Markup } from "./types.ts";

/** https://core.telegram.org/bots/api#inlinekeyboardbutton */
const CALLBACK_DATA_BYTES = 64;
/** Not documented; the server answers REPLY_MARKUP_TOO_LONG beyond. */
const BUTTONS_MAX = 100;
/** Whatever else a button can do; one of them it must. */
const ACTIONS = [
  "callback_data",
  "url",
  "web_app",
  "login_url",
  "switch_inline_query",
  "switch_inline_query_current_chat",
  "copy_text",
  "pay",
];

const cannotParse = (what: string) => badRequest(`can't parse inline keyboard button: ${what}`);

function checkUrl(url: unknown): void {
  if (typeof url !== "string") throw cannotParse('Field "url" must be of type String');
  if (URL.canParse(url) && /^(https?|tg):/i.test(url)) return;
  throw badRequest(`inline keyboard button URL '${url}' is invalid: Unsupported URL protocol`);
}

function checkCallbackData(data: unknown): void {
  if (typeof data !== "string") throw cannotParse('Field "callback_data" must be of type String');
  if (Buffer.byteLength(data) > CALLBACK_DATA_BYTES) throw badRequest("BUTTON_DATA_INVALID");
}

function checkButton(button: unknown): Button {
  if (button === null || typeof button !== "object" || Array.isArray(button)) throw cannotParse("InlineKeyboardButton must be an Object");
  const { text, callback_data, url } = button as Record<string, unknown>;
  if (typeof text !== "string") throw cannotParse('Field "text" must be of type String');
  if (text.trim() === "") throw badRequest("BUTTON_TEXT_INVALID");
  if (url !== undefined) checkUrl(url);
  if (callback_data !== undefined) checkCallbackData(callback_data);
  const can = Object.entries(button).filter(([name, value]) => ACTIONS.includes(name) && value !== "");
  if (can.length === 0) throw cannotParse("Text buttons are unallowed in the inline keyboard");
  return button as Button;
}

function checkInline(rows: unknown): Markup {
  if (!Array.isArray(rows)) throw badRequest('can\'t parse reply keyboard markup: Field "inline_keyboard" must be of type Array');
  const keyboard = rows.map((row: unknown) => {
    if (!Array.isArray(row)) throw badRequest("can't parse inline keyboard: Field must be of type Array");
    return row.map(checkButton);
  });
  if (keyboard.flat().length > BUTTONS_MAX) throw badRequest("REPLY_MARKUP_TOO_LONG");
  return { inline_keyboard: keyboard.filter((row) => row.length > 0) };
}

const ANY_OTHER = z.union([
  z.looseObject({ force_reply: z.literal(true) }),
  z.looseObject({ remove_keyboard: z.literal(true) }),
  z.looseObject({ keyboard: z.array(z.array(z.union([z.string(), z.looseObject({ text: z.string() })]))) }),
]);

/** The markup of a call; undefined when it has none or an empty one. Throws 400 in Telegram's words. */
export function markupParam(params: Params): Markup | undefined {
  const value = jsonParam(params, "reply_markup", "reply keyboard markup");
  if (value === undefined) return undefined;
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw badRequest("object expected as reply markup");
  if ("inline_keyboard" in value) {
    const markup = checkInline(value.inline_keyboard);
    return markup.inline_keyboard?.length ? markup : undefined;
  }
  if (Object.keys(value).length === 0) return undefined;
  const other = ANY_OTHER.safeParse(value);
  if (!other.success) throw badRequest("can't parse reply keyboard markup");
  return other.data as Markup;
}
