import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { decodeEventCursor, encodeEventCursor } from "../../core/events/cursor.ts";
import { type Reply, raw, type Text, text } from "../../core/reply.ts";
import { toCsv } from "../../core/text/csv.ts";
import { lineOf, nextPage, wordOf } from "../next-page.ts";
import { since, sinceAt } from "../since.ts";
import { cursor, eventWord } from "./fields.ts";

/** Events of an answer: two or three pages of a phone. */
const PAGE = 50;
/** Lines of a file: about 2 MB. */
const FILE_LINES = 10_000;

const Event = z.object({
  event_id: z.string(),
  event: z.string(),
  event_datetime: z.string(),
  parameters: z.object({ order_id: z.string(), currency: z.string(), price: z.number() }).nullable(),
});

const Output = z.object({
  user_id: z.string(),
  at: z.string(),
  csv: z.boolean(),
  events: z.array(Event),
  /** How many there are whatever was asked for, where nothing was found. */
  known: z.object({ stored: z.int(), failed: z.int() }).nullable(),
  next_cursor: z.string().nullable(),
  /** The lines that show the next page, and all of it as a file; null where this is all. */
  next: z.string().nullable(),
  all: z.string().nullable(),
});

/** Shows what a user did: newest first, page by page, or as a file. */
export const eventSearch = defineCommand({
  name: "event search",
  aliases: ["events"],
  summary: { en: "See the events of a user", ko: "사용자의 이벤트 보기", ru: "Посмотреть события пользователя" },
  phrases: {
    en: ["what has this user done", "show the events of a user"],
    ko: ["사용자 이벤트 보여 줘", "이 사용자가 뭘 했는지 알려 줘"],
    ru: ["что делал пользователь", "покажи события пользователя"],
  },
  examples: {
    en: ["event_search tester1", "events tester1 --since 7d --event purchase", "events tester1 --csv"],
    ko: ["events tester1", "events tester1 --since 24h"],
    ru: ["events tester1", "events tester1 --since 24h"],
  },
  input: z.object({
    user_id: eventWord.meta({ description: "Whose events", examples: ["tester1"] }),
    since: since.optional().describe("From when on: 24h, 7d, 2026-11-27, or a moment with its zone"),
    event: eventWord.optional().describe("Only events of this kind, e.g. purchase"),
    limit: z.int().min(1).max(FILE_LINES).optional().describe("How many at a time; by default 50, and 10,000 in a file"),
    cursor: cursor.optional().describe("Where to go on: next_cursor of the page before"),
    csv: z.boolean().default(false).describe("As a file of comma-separated values, up to 10,000 lines"),
  }),
  output: Output,
  positional: ["user_id"],
  role: "viewer",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 10_000 },
  async handle(input, { ports }) {
    const { user_id, event, csv } = input;
    const now = ports.clock.now();
    const limit = input.limit ?? (csv ? FILE_LINES : PAGE);
    const found = await ports.events.search({
      ...{ user_id, limit: limit + 1 },
      ...(event !== undefined && { event }),
      ...(input.since !== undefined && { since: sinceAt(input.since, now) }),
      ...(input.cursor !== undefined && { after: decodeEventCursor(input.cursor) }),
    });
    const events = found.slice(0, limit).map(({ parameters, ...rest }) => ({ ...rest, parameters: parameters && { ...parameters } }));
    const known = events.length === 0 ? await ports.events.countOf(user_id) : null;
    const last = found.length > limit ? events.at(-1) : undefined;
    const shared = { user_id, at: now.toISOString(), csv, events, known };
    if (!last) return { ...shared, next_cursor: null, next: null, all: null };
    const next_cursor = encodeEventCursor(last);
    const asked = { since: input.since, event };
    const command = `event_search ${wordOf(user_id)}`;
    const next = lineOf(command, { ...asked, limit: input.limit, csv, cursor: next_cursor });
    return { ...shared, next_cursor, next, all: csv ? null : lineOf(command, { ...asked, csv: true }) };
  },
  present(found) {
    const { user_id, events, csv, next } = found;
    if (events.length === 0) return nothing(found);
    const title = text(next === null ? "event_search.title" : "event_search.part", { count: events.length, user_id });
    if (csv) return { tone: next === null ? "info" : "warn", title, file: fileOf(found), ...nextPage(next) };
    const columns = ["event.at", "event.kind", "event.price", "event.order"].map((key) => text(key));
    return { tone: "info", title, table: { columns, rows: events.map(toRow) }, ...goingOn(found) };
  },
});

type Found = z.infer<typeof Output>;

/** A user nobody knows, one of whom nothing fits what was asked for, or the end. */
function nothing({ user_id, known }: Found): Reply {
  const { stored, failed } = known ?? { stored: 0, failed: 0 };
  if (stored > 0)
    return { tone: "info", title: text("event_search.none_such", { user_id }), lines: [text("event_search.less", { stored })] };
  const lines = [text("event_search.check"), ...(failed > 0 ? [text("event_search.failed", { failed })] : [])];
  return { tone: "info", title: text("event_search.unknown", { user_id }), lines };
}

function goingOn({ next, all }: Found): Pick<Reply, "buttons" | "lines"> {
  const { buttons, lines = [] } = nextPage(next);
  const whole = all === null ? lines : [...lines, text("event_search.all", { line: `/${all}` })];
  return { ...(buttons && { buttons }), ...(whole.length > 0 && { lines: whole }) };
}

function toRow({ event, event_datetime, parameters }: Found["events"][number]): Text[] {
  const price = parameters ? `${parameters.price} ${parameters.currency}` : "–";
  return [text("moment", { moment: { at: event_datetime, seconds: true } }), raw(event), raw(price), raw(parameters?.order_id ?? "–")];
}

function fileOf({ user_id, events, at }: Found) {
  const header = ["event_datetime", "event", "price", "currency", "order_id", "event_id", "user_id"];
  const rows = events.map(({ event_datetime, event, parameters, event_id }) => {
    const { price = null, currency = null, order_id = null } = parameters ?? {};
    return [event_datetime, event, price, currency, order_id, event_id, user_id];
  });
  return { name: `events-${at.slice(0, 10)}.csv`, media_type: "text/csv", content: toCsv([header, ...rows]) } as const;
}
