import { z } from "zod";
import { isCancelled } from "../../core/cancelled.ts";
import { defineCommand } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { wordOf } from "../next-page.ts";
import { eventWord } from "./fields.ts";

/** A million events take about a minute; what is queued is waited for as well. */
const TIMEOUT_MS = 600_000;
/** A queue that is full takes hours to be written. */
const ATTEMPTS = 20;

/** How many events and failures, in words. */
const counted = ({ stored, failed }: { readonly stored: number; readonly failed: number }) => ({
  events: text("event_forget.events", { count: stored }),
  failures: text("event_forget.failures", { count: failed }),
});

/**
 * Deletes everything about a user, for good: stored and failed events, and those that were still queued when it was asked for. A run that dies in the
 * middle goes on.
 */
export const eventForget = defineCommand({
  name: "event forget",
  aliases: [],
  summary: {
    en: "Delete all events of a user for good",
    ko: "사용자의 이벤트 모두 완전히 삭제",
    ru: "Навсегда удалить все события пользователя",
  },
  phrases: {
    en: ["erase a user's data", "forget this user"],
    ko: ["사용자 이벤트 전부 삭제해 줘"],
    ru: ["удали все данные пользователя"],
  },
  examples: { en: ["event_forget tester1"], ko: ["event_forget tester1"], ru: ["event_forget tester1"] },
  input: z.object({ user_id: eventWord.meta({ description: "Whose events", examples: ["tester1"] }) }),
  output: z.object({
    user_id: z.string(),
    stored: z.int(),
    failed: z.int(),
    /** False: the run was stopped before all was deleted. */
    done: z.boolean(),
    /** Whether an earlier try of this run was broken off. */
    resumed: z.boolean(),
  }),
  positional: ["user_id"],
  role: "admin",
  effect: "dangerous",
  execution: { mode: "queued", timeout_ms: TIMEOUT_MS, attempts: ATTEMPTS },
  async preview({ user_id }, { events }) {
    return [text("event_forget.preview", { user_id, ...counted(await events.countOf(user_id)) })];
  },
  async handle({ user_id }, { ports, signal, attempt, last_attempt }) {
    const { stored, failed, done } = await ports.events.forget(user_id, signal);
    if (!done && isCancelled(signal) && stored + failed === 0) throw new OpsError("cancelled", "nothing was deleted yet");
    // The next try goes on.
    if (!done && !isCancelled(signal) && !last_attempt) throw new OpsError("unavailable", "the time was over before all was deleted");
    return { user_id, stored, failed, done, resumed: attempt > 1 };
  },
  present({ user_id, done, resumed, ...deleted }) {
    const key = done ? "event_forget.done" : "event_forget.stopped";
    return {
      tone: done ? "ok" : "warn",
      title: text(key, { user_id, ...counted(deleted) }),
      lines: [
        ...(resumed ? [text("event.resumed")] : []),
        ...(done ? [] : [text("event_forget.again", { line: `/event_forget ${wordOf(user_id)}` })]),
        text("event_forget.remains"),
      ],
    };
  },
});
