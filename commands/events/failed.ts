import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { decodeFailedCursor, encodeFailedCursor } from "../../core/events/cursor.ts";
import { type Reply, raw, type Text, text } from "../../core/reply.ts";
import { cut } from "../../core/text/cut.ts";
import { lineOf, nextPage } from "../next-page.ts";
import { cursor, REASON_CHARS } from "./fields.ts";

/** Failures on a page: what a phone shows of a table without much scrolling. */
const PAGE = 15;
const MAX_PAGE = 1_000;

const Output = z.object({
  total: z.int(),
  events: z.array(
    z.object({
      event_id: z.string(),
      user_id: z.string(),
      event: z.string(),
      reason: z.string(),
      failed_at: z.string(),
      attempts: z.int(),
    }),
  ),
  next_cursor: z.string().nullable(),
  /** The line that shows the next page. */
  next: z.string().nullable(),
});

/** Shows the events that were acknowledged and could not be stored: why, when, and how often it was tried. */
export const eventFailed = defineCommand({
  name: "event failed",
  aliases: [],
  summary: {
    en: "See events that could not be stored",
    ko: "저장하지 못한 이벤트 보기",
    ru: "Показать события, которые не удалось сохранить",
  },
  phrases: {
    en: ["which events failed", "events that could not be stored"],
    ko: ["저장 실패한 이벤트 보여 줘"],
    ru: ["какие события не сохранились"],
  },
  examples: { en: ["event_failed", "event_failed --limit 50"], ko: ["event_failed"], ru: ["event_failed"] },
  input: z.object({
    limit: z.int().min(1).max(MAX_PAGE).default(PAGE).describe("How many at a time"),
    cursor: cursor.optional().describe("Where to go on: next_cursor of the page before"),
  }),
  output: Output,
  positional: [],
  role: "operator",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 10_000 },
  async handle({ limit, cursor: given }, { ports }) {
    const after = given === undefined ? undefined : decodeFailedCursor(given);
    const found = await ports.events.failed({ limit: limit + 1, ...(after && { after }) });
    const events = found.events.slice(0, limit).map((event) => ({ ...event }));
    const last = found.events.length > limit ? events.at(-1) : undefined;
    const next_cursor = last ? encodeFailedCursor(last) : null;
    const size = limit === PAGE ? undefined : limit;
    const next = next_cursor === null ? null : lineOf("event_failed", { limit: size, cursor: next_cursor });
    return { total: found.total, events, next_cursor, next };
  },
  present({ total, events, next }) {
    if (total === 0) return { tone: "ok", title: text("event_failed.none") };
    const title = text("event_failed.title", { count: total });
    if (events.length === 0) return { tone: "warn", title, lines: [text("event_failed.end")] };
    const columns = ["event.at", "event.id", "event.kind", "event.user", "event_failed.why", "event_failed.tries"].map((key) => text(key));
    return { tone: "warn", title, table: { columns, rows: events.map(toRow) }, ...whatNow(next) };
  },
});

type Failure = z.infer<typeof Output>["events"][number];

function toRow({ failed_at, event_id, event, user_id, reason, attempts }: Failure): Text[] {
  const when = text("moment", { moment: { at: failed_at, seconds: true } });
  return [when, raw(event_id), raw(event), raw(user_id), raw(cut(reason, REASON_CHARS)), raw(String(attempts))];
}

function whatNow(next: string | null): Pick<Reply, "buttons" | "lines"> {
  const { buttons = [], lines = [] } = nextPage(next);
  const all = { label: text("event_failed.replay_all"), action: { kind: "say", line: "event_replay --all" } } as const;
  return { buttons: [...buttons, all], lines: [...lines, text("event_failed.replay_some", { line: "/event_replay EVENT_ID" })] };
}
