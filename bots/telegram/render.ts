import type { InlineKeyboardButton, InlineKeyboardMarkup } from "grammy/types";
import type { ButtonAction, PlainReply, Tone } from "../../core/reply.ts";
import type { Ask } from "../../core/request.ts";
import { BUTTON_CHARS, BUTTONS, CALLBACK_DATA_BYTES, MESSAGE_CHARS } from "./limits.ts";
import { alignColumns } from "./table.ts";

/** What is sent: text as HTML (`parse_mode`), and the buttons under it. */
export interface TelegramMessage {
  readonly text: string;
  readonly reply_markup?: InlineKeyboardMarkup;
}

const SIGNS: Readonly<Record<Tone, string>> = { ok: "✅", info: "ℹ️", pending: "⏳", warn: "⚠️", error: "❌", plain: "" };
/** Buttons by what they do: one letter, because a token and 64 bytes are all there is. */
const PREFIXES: Readonly<Record<ButtonAction["kind"], string>> = { confirm: "c:", cancel: "x:", say: "s:" };
const MARKUP: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
/** Room for the note of how much was left out: "\n… [+1234567]". */
const NOTE_CHARS = 16;
const ELLIPSIS = "…";
/** A line up to this long is shown whole or not at all. */
const SHORT_LINE_CHARS = 200;
/** The undo line is worth this much of a message; a longer one is left out, since half of it would undo half. */
const UNDO_CHARS = MESSAGE_CHARS - 512;

/** A part of the text. Only `words` may be cut; they are not escaped yet, the markup around them is. */
interface Part {
  readonly before: string;
  readonly words: string;
  readonly after: string;
}

/**
 * An answer as a message of Telegram. What people typed is shown as typed, never as markup. What does not fit is left out
 * at the end of a line where possible, with a note of how many characters that were; the undo line stays.
 */
export function renderTelegram(reply: PlainReply): TelegramMessage {
  // Somebody's words, whole: whoever took them held Telegram's limit, which counts them without the markup.
  if (reply.tone === "plain") return { text: escapeHtml(clean(reply.title)) };
  const title = part(`${SIGNS[reply.tone]} <b>`, reply.title, "</b>");
  const undo = reply.undo && part(`${escapeHtml(reply.undo.label)}: <code>/`, reply.undo.line, "</code>");
  const isKept = undo !== undefined && sizeOf(undo) <= UNDO_CHARS;
  const last = undo && isKept ? `\n${write(undo)}` : "";
  const parts = [title, ...bodyOf(reply), ...(undo && !isKept ? [undo] : [])];
  const reply_markup = renderButtons(reply.buttons ?? []);
  return { text: fitParts(parts, MESSAGE_CHARS - last.length) + last, ...(reply_markup && { reply_markup }) };
}

/** What a button's press asks for, or null for data that is none of ours. The inverse of what `renderTelegram` writes. */
export function parseCallback(data: string): Ask | null {
  const [prefix, words] = [data.slice(0, 2), data.slice(2)];
  if (words === "") return null;
  if (prefix === PREFIXES.confirm) return { kind: "confirm", token: words };
  if (prefix === PREFIXES.cancel) return { kind: "cancel", token: words };
  return prefix === PREFIXES.say ? { kind: "text", text: words } : null;
}

function bodyOf({ lines = [], fields = [], table }: PlainReply): readonly Part[] {
  return [
    ...fields.map(({ label, value, code }) => part(`${escapeHtml(label)}: ${code ? "<code>" : ""}`, value, code ? "</code>" : "")),
    ...(table ? [part("<pre>", alignColumns([table.columns, ...table.rows]), "</pre>")] : []),
    ...lines.map((line) => part("", line, "")),
  ];
}

/** Control characters and halves of surrogate pairs make Telegram refuse a message. */
function clean(words: string): string {
  return words.replace(/\r\n?/g, "\n").replace(/(?![\n\t])\p{Cc}|\p{Surrogate}/gu, "\ufffd");
}

function part(before: string, words: string, after: string): Part {
  return { before: clean(before), words: clean(words), after };
}

function escapeHtml(words: string): string {
  return words.replace(/[&<>]/g, (sign) => MARKUP[sign] ?? sign);
}

function write({ before, words, after }: Part): string {
  return before + escapeHtml(words) + after;
}

function sizeOf(of: Part): number {
  return write(of).length + 1;
}

/** As many parts as there is room for, one a line; the first that does not fit is cut, those after it are left out. */
function fitParts(parts: readonly Part[], room: number): string {
  const whole = parts.map(write).join("\n");
  if (whole.length <= room) return whole;
  let left = room - NOTE_CHARS;
  let kept = 0;
  for (const next of parts) {
    if (sizeOf(next) > left) break;
    left -= sizeOf(next);
    kept++;
  }
  const [next, ...rest] = parts.slice(kept);
  const words = next ? cut(next.words, left - next.before.length - next.after.length) : "";
  const shown = parts.slice(0, kept).map(write);
  if (next && words !== "") shown.push(write({ ...next, words: next.words.startsWith(`${words}\n`) ? words : `${words}${ELLIPSIS}` }));
  const missing = [next?.words.slice(words.length) ?? "", ...rest.map((one) => one.words)];
  const count = missing.reduce((sum, one) => sum + [...one].length, 0);
  return `${shown.join("\n")}\n${ELLIPSIS} [+${count}]`;
}

/**
 * The beginning of words that takes no more room than this when escaped: whole lines of several, whole characters of a
 * long one, nothing of a short one, because half an address looks like another address.
 */
function cut(words: string, room: number): string {
  let size = ELLIPSIS.length;
  let end = 0;
  for (const sign of words) {
    size += MARKUP[sign]?.length ?? sign.length;
    if (size > room) break;
    end += sign.length;
  }
  const lineEnd = words.lastIndexOf("\n", end);
  if (lineEnd > 0) return words.slice(0, lineEnd);
  return words.length > SHORT_LINE_CHARS ? words.slice(0, end) : "";
}

/** Decisions side by side, lines to say one below the other. A line that does not fit a button is left out. */
function renderButtons(buttons: NonNullable<PlainReply["buttons"]>): InlineKeyboardMarkup | undefined {
  const fitting = buttons.flatMap(({ label, action }) => {
    const callback_data = PREFIXES[action.kind] + (action.kind === "say" ? action.line : action.token);
    const text = [...clean(label)].slice(0, BUTTON_CHARS).join("");
    if (Buffer.byteLength(callback_data) > CALLBACK_DATA_BYTES || text.trim() === "") return [];
    return [{ kind: action.kind, button: { text, callback_data } satisfies InlineKeyboardButton }];
  });
  const kept = fitting.slice(0, BUTTONS);
  const decisions = kept.filter(({ kind }) => kind !== "say").map(({ button }) => button);
  const says = kept.filter(({ kind }) => kind === "say").map(({ button }) => [button]);
  const inline_keyboard = [...(decisions.length > 0 ? [decisions] : []), ...says];
  return inline_keyboard.length > 0 ? { inline_keyboard } : undefined;
}
