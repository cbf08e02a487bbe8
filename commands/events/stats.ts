import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { word } from "../../core/events/event.ts";
import type { EventCount } from "../../core/events/ports.ts";
import { raw, type Text, text } from "../../core/reply.ts";
import { invalidInput } from "../../core/text/invalid-input.ts";
import { since, sinceAt } from "../since.ts";
import { type Spans, spansOf } from "./spans.ts";

/** Kinds with a colour of their own; one is left for all others. */
const KINDS = 7;
/** As far back as one picture goes. */
const LONGEST_MS = 31 * 86_400_000;
/** Of a kind's name so much is shown; `output` has all of it. */
const NAME_CHARS = 40;

/** The first and the last span may not be whole. */
const Spanned = z.object({ since: z.string(), until: z.string(), span_s: z.number() });
const Kind = z.object({ event: z.string(), count: z.number(), counts: z.array(z.number()) });

/** Shows how many events there were, by kind and minute: as a picture where people look, as numbers where programs do. */
export const eventStats = defineCommand({
  name: "event stats",
  aliases: [],
  summary: { en: "See how many events come in", ko: "들어오는 이벤트 수를 그래프로 보기", ru: "Показать, сколько событий приходит" },
  phrases: {
    en: ["how many events", "events per minute"],
    ko: ["이벤트 통계 보여 줘", "분당 이벤트 수"],
    ru: ["сколько событий", "событий в минуту"],
  },
  examples: {
    en: ["event_stats", "event_stats 24h", "event_stats --since 7d --event purchase"],
    ko: ["event_stats", "event_stats 24h", "event_stats --since 7d --event purchase"],
    ru: ["event_stats", "event_stats 24h", "event_stats --since 7d --event purchase"],
  },
  input: z.object({
    since: since.default("1h").describe("From when on: 1h, 24h, 2026-11-27, or a moment with its zone; up to 31 days"),
    event: word.optional().describe("Only this kind of event, e.g. purchase"),
  }),
  output: Spanned.extend({
    event: z.string().nullable(),
    total: z.number(),
    /** In the time there was. */
    per_minute: z.number(),
    /** The span with most, the first of several; null where there is none. */
    busiest: z.object({ at: z.string(), count: z.number() }).nullable(),
    /** The largest first; `counts` are one a span, the oldest first. */
    kinds: z.array(Kind),
    /** All other kinds together; null where there is none. */
    other: Kind.omit({ event: true }).nullable(),
  }),
  positional: ["since"],
  role: "viewer",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 10_000 },
  check: ({ since: from }, { clock }) => void backFrom(from, clock.now()),
  async handle({ since: from, event }, { ports }) {
    const now = ports.clock.now();
    const spans = spansOf(backFrom(from, now), now);
    const { since: begin, until, span_s } = spans;
    const counted = await ports.events.count({ since: begin, until, span_s, kinds: KINDS, ...(event !== undefined && { event }) });
    return { since: begin, until, span_s, event: event ?? null, ...summarise(spans, counted) };
  },
  present(output) {
    const { since: begin, until, span_s, event, total, per_minute, busiest, kinds, other } = output;
    const asked = { since: { at: begin }, event: event === null ? "" : shorten(event) };
    const none = event === null ? "event_stats.none" : "event_stats.none_of_kind";
    if (total === 0 || busiest === null) return { tone: "info", title: text(none, asked), lines: [text("event_stats.none_hint")] };
    const amount = (count: number) => text("amount", { amount: { amount: count } });
    const title = text("event_stats.title", { count: total, amount: { amount: total }, since: { at: begin } });
    const peak = text("event_stats.peak", { amount: { amount: busiest.count }, at: { at: busiest.at } });
    const series = kinds.map(({ event: kind, count, counts }) => ({ name: raw(shorten(kind)), total: amount(count), values: counts }));
    const rest = other ? [{ name: text("event_stats.other"), total: amount(other.count), values: other.counts }] : [];
    return {
      tone: "info",
      title,
      chart: { kind: "bars", from: begin, until, span_s, series: [...series, ...rest] },
      fields: [
        { label: text("event_stats.per_minute"), value: amount(per_minute) },
        { label: text("event_stats.busiest"), value: peak },
        { label: text("event_stats.bar"), value: lengthOf(span_s) },
      ],
    };
  },
});

/** The moment that was meant. @throws OpsError `invalid_input` for one that is ahead, or too far back */
function backFrom(typed: string, now: Date): Date {
  const from = new Date(sinceAt(typed, now));
  if (from.getTime() >= now.getTime()) throw invalidInput("since", text("event_stats.ahead"));
  if (now.getTime() - from.getTime() > LONGEST_MS) throw invalidInput("since", text("event_stats.too_long"));
  return from;
}

/** Spans and kinds that nothing was counted of are zero. */
function summarise({ from_ms, until, span_s, spans }: Spans, counted: readonly EventCount[]) {
  const rows = new Map<string | null, number[]>();
  const sums = Array.from({ length: spans }, () => 0);
  for (const { at, event, count } of counted) {
    const span = Math.min(spans - 1, Math.floor((Date.parse(at) - from_ms) / span_s / 1_000));
    const row = rows.get(event) ?? sums.map(() => 0);
    row[span] = (row[span] ?? 0) + count;
    sums[span] = (sums[span] ?? 0) + count;
    rows.set(event, row);
  }
  const all = [...rows].map(([event, counts]) => ({ event, count: total(counts), counts }));
  const kinds = all.flatMap(({ event, ...kind }) => (event === null ? [] : [{ event, ...kind }])).toSorted((a, b) => b.count - a.count);
  const other = rows.get(null);
  const minutes = Math.max(1, (Date.parse(until) - from_ms) / 60_000);
  const most = Math.max(...sums);
  return {
    total: total(sums),
    per_minute: rounded(total(sums) / minutes),
    busiest: most === 0 ? null : { at: new Date(from_ms + sums.indexOf(most) * span_s * 1_000).toISOString(), count: most },
    kinds,
    other: other ? { count: total(other), counts: other } : null,
  };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Few are told with their fractions. */
function rounded(rate: number): number {
  const digits = rate < 1 ? 100 : rate < 100 ? 10 : 1;
  return Math.round(rate * digits) / digits;
}

function shorten(name: string): string {
  const signs = [...name];
  return signs.length <= NAME_CHARS ? name : `${signs.slice(0, NAME_CHARS - 1).join("")}…`;
}

function lengthOf(span_s: number): Text {
  const hours = span_s / 3_600;
  return hours >= 1 ? text("event_stats.hours", { count: hours }) : text("event_stats.minutes", { count: span_s / 60 });
}
