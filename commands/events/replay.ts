import { z } from "zod";
import { isCancelled } from "../../core/cancelled.ts";
import { defineCommand } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import { REPLAY_STATUSES } from "../../core/events/ports.ts";
import { type Reply, raw, type Text, text } from "../../core/reply.ts";
import { cut } from "../../core/text/cut.ts";
import { invalidInput } from "../../core/text/invalid-input.ts";
import { eventWord, REASON_CHARS } from "./fields.ts";

const MAX_IDS = 100;
/** Events of one run with `--all`. */
const MAX_ALL = 1_000;

const Output = z.object({
  results: z.array(z.object({ event_id: z.string(), status: z.enum(REPLAY_STATUSES), reason: z.string().exactOptional() })),
  /** How many failed events there are now. */
  left: z.int(),
  all: z.boolean(),
  /** False: the run was stopped before all were tried. */
  done: z.boolean(),
  /** Whether an earlier try of this run was broken off. */
  resumed: z.boolean(),
});

/**
 * Tries again to store failed events. Nothing takes it back: an event is a fact that was acknowledged, and belongs into the table. Run again it finds
 * what it has stored already.
 */
export const eventReplay = defineCommand({
  name: "event replay",
  aliases: [],
  summary: { en: "Try to store failed events again", ko: "실패한 이벤트 다시 저장하기", ru: "Ещё раз сохранить неудавшиеся события" },
  phrases: {
    en: ["store the failed events again", "replay failed events"],
    ko: ["실패한 이벤트 다시 저장해 줘"],
    ru: ["сохрани события ещё раз"],
  },
  examples: {
    en: ["event_replay 5f0c1d7e 9a41b2c8", "event_replay --all"],
    ko: ["event_replay 5f0c1d7e", "event_replay --all"],
    ru: ["event_replay 5f0c1d7e", "event_replay --all"],
  },
  input: z.object({
    event_ids: z
      .array(eventWord)
      .min(1)
      .max(MAX_IDS)
      .transform((ids) => [...new Set(ids)])
      .optional()
      .describe("Which ones, 1 to 100 event ids"),
    all: z.boolean().default(false).describe("All of them, up to 1,000 at a time, the oldest failure first"),
  }),
  output: Output,
  positional: ["event_ids"],
  role: "operator",
  effect: "write",
  execution: { mode: "queued", timeout_ms: 120_000, attempts: 5 },
  check({ event_ids, all }) {
    if ((event_ids !== undefined) === all) throw invalidInput("event_ids", text("event_replay.which"));
  },
  async handle({ event_ids, all }, { ports, signal, attempt, last_attempt }) {
    const wanted = all || !event_ids ? ({ event_ids: "all", limit: MAX_ALL } as const) : { event_ids, limit: MAX_IDS };
    const { results, left, done } = await ports.events.replay(wanted, signal);
    if (!done && isCancelled(signal) && results.length === 0) throw new OpsError("cancelled", "nothing was tried yet");
    // The next try goes on.
    if (!done && !isCancelled(signal) && !last_attempt) throw new OpsError("unavailable", "the time was over before all were tried");
    return { results: results.map((result) => ({ ...result })), left, all, done, resumed: attempt > 1 };
  },
  present(replayed) {
    const { results, left, done } = replayed;
    const bad = results.filter(({ status }) => status === "failed" || status === "unknown");
    const lines = adviceOn(replayed, bad.length);
    if (results.length === 0) return { tone: "info", title: text("event_replay.none"), ...(lines.length > 0 && { lines }) };
    const stored = results.filter(({ status }) => status === "stored").length;
    return {
      tone: bad.length === 0 && done ? "ok" : stored > 0 ? "warn" : "error",
      title: text("event_replay.title", { stored, count: results.length }),
      ...tableOf(replayed),
      ...(lines.length > 0 && { lines }),
      ...(left > 0 && { buttons: [{ label: text("event_replay.see_failed"), action: { kind: "say", line: "event_failed" } }] }),
    };
  },
});

type Output = z.infer<typeof Output>;

/** Of a thousand that went well nobody reads more than how many they were. */
function tableOf({ results, all }: Output): Pick<Reply, "table"> {
  const shown = all ? results.filter(({ status }) => status !== "stored") : results;
  if (shown.length === 0) return {};
  const columns = [text("event.id"), text("event_replay.what")];
  return { table: { columns, rows: shown.map((result) => [raw(result.event_id), wordsFor(result)]) } };
}

function wordsFor({ status, reason }: Output["results"][number]): Text {
  return reason === undefined
    ? text(`event_replay.status.${status}`)
    : text("event_replay.failed_again", { reason: cut(reason, REASON_CHARS) });
}

function adviceOn({ results, left, all, done, resumed }: Output, bad: number): Text[] {
  const stored = results.some(({ status }) => status === "stored");
  return [
    ...(resumed ? [text("event.resumed")] : []),
    ...(done ? [] : [text("event_replay.stopped")]),
    ...(left > 0 ? [text("event_replay.left", { count: left })] : []),
    ...(all && left > bad ? [text("event_replay.go_on", { line: "/event_replay --all" })] : []),
    ...(stored ? [text("event_replay.no_undo")] : []),
  ];
}
