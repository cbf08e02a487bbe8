import type { InlineKeyboardButton, InlineKeyboardMarkup } from "grammy/types";
import type { ButtonAction, PlainReply } from "../../core/reply.ts";
import type { Ask, PageTurn } from "../../core/request.ts";
import { clean } from "./html.ts";
import { BUTTON_CHARS, BUTTONS, CALLBACK_DATA_BYTES } from "./limits.ts";

/** Buttons by what they do: one letter, because a token and 64 bytes are all there is. */
const PREFIXES: Readonly<Record<ButtonAction["kind"], string>> = { confirm: "c:", cancel: "x:", say: "s:" };
/** `p:<delivery_id>:<page>` */
const PAGE = /^p:([\w-]{1,48}):([1-9]\d{0,5})$/;
/** A button that leads nowhere, so that the others keep their places. */
const NOWHERE = "-";

/** Which page is shown. */
export interface Shown {
  readonly delivery_id: string;
  readonly page: number;
  readonly pages: number;
}

/** The press of a button as its data tells of it; null for data that is none of ours. The inverse of what `keyboardOf` writes. */
export function parseCallback(data: string): Ask | Pick<PageTurn, "kind" | "delivery_id" | "page"> | null {
  const [, delivery_id, page] = PAGE.exec(data) ?? [];
  if (delivery_id !== undefined) return { kind: "page", delivery_id, page: Number(page) };
  const [prefix, words] = [data.slice(0, 2), data.slice(2)];
  if (words === "") return null;
  if (prefix === PREFIXES.confirm) return { kind: "confirm", token: words };
  if (prefix === PREFIXES.cancel) return { kind: "cancel", token: words };
  return prefix === PREFIXES.say ? { kind: "text", text: words } : null;
}

/** Decisions side by side, lines to say one below the other, and at last what turns the pages. A line that does not fit a button is left out. */
export function keyboardOf(buttons: NonNullable<PlainReply["buttons"]>, shown: Shown | null): { reply_markup?: InlineKeyboardMarkup } {
  const turns = shown ? pageButtons(shown) : [];
  const fitting = buttons.flatMap(({ label, action }) => {
    const callback_data = PREFIXES[action.kind] + (action.kind === "say" ? action.line : action.token);
    const text = [...clean(label)].slice(0, BUTTON_CHARS).join("");
    if (Buffer.byteLength(callback_data) > CALLBACK_DATA_BYTES || text.trim() === "") return [];
    return [{ kind: action.kind, button: { text, callback_data } satisfies InlineKeyboardButton }];
  });
  const kept = fitting.slice(0, BUTTONS - turns.length);
  const decisions = kept.filter(({ kind }) => kind !== "say").map(({ button }) => button);
  const says = kept.filter(({ kind }) => kind === "say").map(({ button }) => [button]);
  const inline_keyboard = [decisions, ...says, turns].filter((row) => row.length > 0);
  return inline_keyboard.length > 0 ? { reply_markup: { inline_keyboard } } : {};
}

/** « ‹ 2/5 › » */
function pageButtons({ delivery_id, page, pages }: Shown): InlineKeyboardButton[] {
  const to = (text: string, target: number) => ({
    text,
    callback_data: target === page || target < 1 || target > pages ? NOWHERE : `p:${delivery_id}:${target}`,
  });
  return [to("«", 1), to("‹", page - 1), to(`${page}/${pages}`, page), to("›", page + 1), to("»", pages)];
}
