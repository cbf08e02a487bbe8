import type { InlineKeyboardMarkup } from "grammy/types";
import { toBars, toLegend } from "../../core/chart.ts";
import type { PlainReply, Tone } from "../../core/reply.ts";
import { keyboardOf } from "./buttons.ts";
import { beginningOf, clean, escapeHtml, linesOf } from "./html.ts";
import { BAR_COLUMNS, CAPTION_CHARS, MESSAGE_CHARS } from "./limits.ts";
import { type Frame, type Piece, toPages } from "./pages.ts";
import { alignColumns } from "./table.ts";

/** What is sent: text as HTML (`parse_mode`), and the buttons under it. */
export interface TelegramMessage {
  readonly text: string;
  readonly reply_markup?: InlineKeyboardMarkup;
  /** How many pages the answer has; this is one of them. */
  readonly pages: number;
}

/** Which page of which message is shown. */
export interface Place {
  /** Names the message in the buttons that turn its pages. */
  readonly delivery_id: string;
  /** From 1; past the end it is the last one. */
  readonly page: number;
}

const SIGNS: Readonly<Record<Tone, string>> = { ok: "✅", info: "ℹ️", pending: "⏳", warn: "⚠️", error: "❌", plain: "" };
const ELLIPSIS = "…";
/** Lines of a fixed-width font. */
const PRE: Frame = { before: "<pre>", after: "</pre>" };
/** A title is repeated on each page, so it is worth this much of one; a longer one is read in full below it. */
const TITLE_CHARS = 256;
/** An undo line of up to this size stands on every page, a longer one at the end. */
const UNDO_CHARS = 256;
/** Room for the number of the page: " 9999/9999". */
const COUNTER_CHARS = 10;

/**
 * An answer as a message of Telegram. What people typed is shown as typed, never as markup. What does not fit is split into pages between
 * its lines, fields and rows; title, table header and buttons are on each of them.
 */
export function renderTelegram(reply: PlainReply, { delivery_id, page }: Place): TelegramMessage {
  // Somebody's words, whole: whoever took them held Telegram's limit, which counts them without the markup.
  if (reply.tone === "plain") return { text: escapeHtml(clean(reply.title)), pages: 1 };
  const undo = undoOf(reply);
  const whole = [titleOf(reply.tone, reply.title), ...toPages(piecesOf(reply, MESSAGE_CHARS), Number.POSITIVE_INFINITY), ...undo];
  const text = whole.filter((part) => part !== "").join("\n");
  const buttons = reply.buttons ?? [];
  if (text.length <= MESSAGE_CHARS) return { text, pages: 1, ...keyboardOf(buttons, null) };
  const pages = pagesOf(reply, undo);
  const shown = Math.min(Math.max(1, page), pages.length);
  const head = `${titleOf(reply.tone, shorten(reply.title, TITLE_CHARS))} ${shown}/${pages.length}`;
  const body = pages[shown - 1] ?? "";
  return { text: `${head}\n${body}`, pages: pages.length, ...keyboardOf(buttons, { delivery_id, page: shown, pages: pages.length }) };
}

/** What stands under a file: the title, and the line that takes back what was done. */
export function renderCaption(reply: PlainReply): Omit<TelegramMessage, "pages"> {
  const [undo] = undoOf(reply);
  const title = titleOf(reply.tone, shorten(reply.title, undo === undefined ? CAPTION_CHARS / 2 : TITLE_CHARS));
  const text = undo !== undefined && title.length + undo.length < CAPTION_CHARS ? `${title}\n${undo}` : title;
  return { text, ...keyboardOf(reply.buttons ?? [], null) };
}

/**
 * What stands under a chart: the title, what its colours mean, the fields, and the line that takes back what was done. Whole lines, as many as there is
 * room for: most of what is to be known is to be seen.
 */
export function renderUnderChart(reply: PlainReply): Omit<TelegramMessage, "pages"> {
  const legend = reply.chart ? toLegend(reply.chart).map(escapeHtml) : [];
  const fields = (reply.fields ?? []).flatMap((field) => fieldPieces(field, CAPTION_CHARS / 2));
  const lines = [...legend, ...fields.map(({ html }) => html), ...(reply.lines ?? []).map(escapeHtml), ...undoOf(reply)];
  let text = titleOf(reply.tone, shorten(reply.title, TITLE_CHARS));
  for (const line of lines) if (text.length + line.length < CAPTION_CHARS) text += `\n${line}`;
  return { text, ...keyboardOf(reply.buttons ?? [], null) };
}

/** The pages below their titles. */
function pagesOf(reply: PlainReply, undo: readonly string[]): readonly string[] {
  const isShort = undo.every((line) => line.length <= UNDO_CHARS);
  const footer = isShort ? undo.map((line) => `\n${line}`).join("") : "";
  const title = titleOf(reply.tone, shorten(reply.title, TITLE_CHARS));
  const room = MESSAGE_CHARS - title.length - COUNTER_CHARS - footer.length - 1;
  // Half of an undo line would undo half: one that fits no page is left out.
  const last = isShort ? [] : undo.filter((line) => line.length < room).map((html) => ({ html }));
  const title_in_full = escapeHtml(reply.title).length > TITLE_CHARS ? linesOf(reply.title, room - 1) : [];
  const pieces = [...title_in_full.map((line) => ({ html: escapeHtml(line) })), ...piecesOf(reply, room - 1), ...last];
  return toPages(pieces, room).map((page) => page + footer);
}

function titleOf(tone: Tone, words: string): string {
  return `${SIGNS[tone]} <b>${escapeHtml(words)}</b>`;
}

function undoOf({ undo }: PlainReply): readonly string[] {
  return undo ? [`${escapeHtml(undo.label)}: <code>/${escapeHtml(undo.line)}</code>`] : [];
}

function shorten(words: string, room: number): string {
  const first = beginningOf(clean(words), room);
  return first.length < clean(words).length ? `${beginningOf(first, room - ELLIPSIS.length)}${ELLIPSIS}` : words;
}

/** @param room what one piece may take at most */
function piecesOf({ lines = [], fields = [], table, chart }: PlainReply, room: number): readonly Piece[] {
  const bars = chart ? toBars(chart, BAR_COLUMNS) : [];
  return [
    ...bars
      .flatMap((bar) => linesOf(bar, room - PRE.before.length - PRE.after.length))
      .map((bar) => ({ html: escapeHtml(bar), frame: PRE })),
    ...fields.flatMap((field) => fieldPieces(field, room)),
    ...(table ? tablePieces(alignColumns([table.columns, ...table.rows]), room) : []),
    ...lines.flatMap((line) => linesOf(line, room)).map((line) => ({ html: escapeHtml(line) })),
  ];
}

function fieldPieces({ label, value, code }: NonNullable<PlainReply["fields"]>[number], room: number): readonly Piece[] {
  const [before, after] = code ? ["<code>", "</code>"] : ["", ""];
  const whole = `${escapeHtml(label)}: ${before}${escapeHtml(value)}${after}`;
  if (whole.length <= room) return [{ html: whole }];
  const parts = linesOf(value, room - before.length - after.length).map((line) => before + escapeHtml(line) + after);
  return [...linesOf(`${label}:`, room).map(escapeHtml), ...parts].map((html) => ({ html }));
}

/** Rows of a fixed-width font, below the columns' names on each page; a header that leaves rows no room is a row like any other. */
function tablePieces(aligned: string, room: number): readonly Piece[] {
  const [header = "", ...rows] = aligned.split("\n");
  const isHead = rows.length > 0 && escapeHtml(header).length < room / 2;
  const frame: Frame = isHead ? { ...PRE, before: `<pre>${escapeHtml(header)}\n` } : PRE;
  const left = room - frame.before.length - frame.after.length;
  return (isHead ? rows : [header, ...rows]).flatMap((row) => linesOf(row, left)).map((line) => ({ html: escapeHtml(line), frame }));
}
