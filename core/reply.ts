import { type ChartOf, type PlainChart, toBars } from "./chart.ts";
import type { PerLocale } from "./locale.ts";

/** A value put into a text: as it is, another text, a moment, or a number as the language groups its digits. */
export type TextParam = string | number | Text | Moment | { readonly amount: number };

/** A moment that is shown in the person's time zone, to the minute, or to the second where much happens in one. */
export interface Moment {
  /** RFC 3339. */
  readonly at: string;
  readonly seconds?: true;
}

/** Words in the person's language: a key of commands/locales, the same thing in each language, or words that need no translation (what a person typed, an address). */
export type Text =
  | { readonly key: string; readonly params?: Readonly<Record<string, TextParam>> }
  | { readonly per_locale: PerLocale<string> }
  | { readonly raw: string };

/** How an answer feels; every surface shows it its own way. `plain` is no answer: its title is somebody's words, shown as they are and alone. */
export type Tone = "ok" | "info" | "pending" | "warn" | "error" | "plain";

/** What pressing a button does: take or drop a confirmation, or say a line as if it had been typed. */
export type ButtonAction =
  | { readonly kind: "confirm"; readonly token: string }
  | { readonly kind: "cancel"; readonly token: string }
  | { readonly kind: "say"; readonly line: string };

/** A line of label and value; `code` is shown in a fixed-width font and is easy to copy. */
export interface Field<T> {
  readonly label: T;
  readonly value: T;
  readonly code?: boolean;
}

/** Parts of an answer, over how words are held: `Text` while it travels, `string` when it is shown. */
export interface ReplyOf<T> {
  readonly tone: Tone;
  readonly title: T;
  readonly fields?: readonly Field<T>[];
  readonly table?: { readonly columns: readonly T[]; readonly rows: readonly (readonly T[])[] };
  /** What is to be seen: a picture where the surface can show one. */
  readonly chart?: ChartOf<T>;
  /** Sentences below everything else: what to do next. */
  readonly lines?: readonly T[];
  /** The line that takes back what was done, without a leading slash; each surface writes it as it is typed there. */
  readonly undo?: { readonly label: T; readonly line: string };
  readonly buttons?: readonly { readonly label: T; readonly action: ButtonAction }[];
  /** What is too long to be read in a message; each surface hands it over its own way. */
  readonly file?: ReplyFile;
}

/** A file that goes with an answer: text in UTF-8. */
export interface ReplyFile {
  /** As it is saved, e.g. `blocks-2026-11-27.csv`: letters, digits, ".", "_" and "-", at most 64. */
  readonly name: string;
  readonly media_type: "text/csv" | "text/plain";
  readonly content: string;
}

/** An answer of any surface and any language. It is plain JSON, so it can be stored and sent later. */
export type Reply = ReplyOf<Text>;

/** An answer in one language, ready for a surface's renderer. */
export type PlainReply = ReplyOf<string> & { readonly chart?: PlainChart };

/** Turns texts into words. Implemented in clients/texts.ts. */
export interface Texts {
  /** @param zone IANA time zone in which moments are shown */
  say(text: Text, locale: keyof PerLocale<string>, zone: string): string;
  /** Whether a key exists in a language; the registry refuses to start without. */
  has(key: string, locale: keyof PerLocale<string>): boolean;
}

/** A text by key. Short, because commands say it often. */
export function text(key: string, params?: Readonly<Record<string, TextParam>>): Text {
  return params ? { key, params } : { key };
}

/** Words that need no translation. */
export function raw(words: string): Text {
  return { raw: words };
}

/** Says an answer in one language; a pure function of its arguments. */
export function plain(reply: Reply, texts: Texts, locale: keyof PerLocale<string>, zone: string): PlainReply {
  const say = (words: Text) => texts.say(words, locale, zone);
  const { tone, title, lines, fields, table, chart, undo, buttons, file } = reply;
  return {
    tone,
    title: say(title),
    ...(lines && { lines: lines.map(say) }),
    ...(fields && { fields: fields.map((field) => ({ ...field, label: say(field.label), value: say(field.value) })) }),
    ...(table && { table: { columns: table.columns.map(say), rows: table.rows.map((row) => row.map(say)) } }),
    ...(chart && { chart: { ...sayChart(chart, say), zone } }),
    ...(undo && { undo: { label: say(undo.label), line: undo.line } }),
    ...(buttons && { buttons: buttons.map(({ label, action }) => ({ label: say(label), action })) }),
    ...(file && { file }),
  };
}

function sayChart(chart: ChartOf<Text>, say: (words: Text) => string): ChartOf<string> {
  return { ...chart, series: chart.series.map(({ name, total, values }) => ({ name: say(name), total: say(total), values })) };
}

/** How wide bars of characters are: with a total and a name of 15 characters they fit into 80 columns. */
const BAR_COLUMNS = 50;

/** An answer as plain lines of text: the CLI's form, and the `text` beside every reply of the REST API. */
export function toPlainText(reply: PlainReply): string {
  const rows = reply.table ? [reply.table.columns, ...reply.table.rows] : [];
  return [
    reply.title,
    ...(reply.fields ?? []).map(({ label, value }) => `${label}: ${value}`),
    ...rows.map((row) => row.join("  ")),
    ...(reply.chart ? toBars(reply.chart, BAR_COLUMNS) : []),
    ...(reply.lines ?? []),
    ...(reply.undo ? [`${reply.undo.label}: ${reply.undo.line}`] : []),
  ].join("\n");
}
