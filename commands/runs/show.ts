import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { raw, type Text, text } from "../../core/reply.ts";
import { RUN_STATUSES } from "../../core/run.ts";
import { runId, visibleRun } from "./visible.ts";

/** A `Text`, as it is stored with the run. */
const words: z.ZodType<Text> = z.lazy(() =>
  z.union([
    z.object({ key: z.string(), params: z.record(z.string(), param).exactOptional() }),
    z.object({ per_locale: z.object({ en: z.string(), ko: z.string(), ru: z.string() }) }),
    z.object({ raw: z.string() }),
  ]),
);
const param = z.union([z.string(), z.number(), words, z.object({ at: z.string() })]);

/** Shows what became of a run. A viewer sees their own only. */
export const runShow = defineCommand({
  name: "run show",
  aliases: ["status"],
  summary: { en: "See what became of a run", ko: "실행 상태 보기", ru: "Посмотреть состояние запуска" },
  phrases: { en: ["what became of my request", "show a run"], ko: ["실행 상태 알려 줘"], ru: ["что стало с моим запросом"] },
  examples: { en: ["run_show 7k2m9qd04xvb"], ko: ["run_show 7k2m9qd04xvb"], ru: ["run_show 7k2m9qd04xvb"] },
  input: z.object({
    run_id: runId.describe("The run's id, 12 letters and digits"),
  }),
  output: z.object({
    run_id: z.string(),
    command: z.string(),
    status: z.enum(RUN_STATUSES),
    attempts: z.number().int(),
    identity: z.string(),
    created_at: z.string(),
    finished_at: z.string().nullable(),
    /** A code of the table of errors. */
    error: z.string().nullable(),
    /** The sentence that was said of it. */
    reason: words.nullable(),
  }),
  positional: ["run_id"],
  role: "viewer",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 5_000 },
  async handle({ run_id }, context) {
    const run = await visibleRun(run_id, context);
    const { command, status, attempts, identity, created_at, finished_at, error } = run;
    const why = { error: error?.code ?? null, reason: error?.text ?? null };
    return { run_id, command, status, attempts, identity, created_at, finished_at, ...why };
  },
  present(run) {
    const ended = run.finished_at ? [{ label: text("run.finished"), value: text("moment", { moment: { at: run.finished_at } }) }] : [];
    const reason = run.reason ? [{ label: text("run.error"), value: run.reason }] : [];
    return {
      tone: "info",
      title: text(`run.status.${run.status}`, { command: run.command }),
      fields: [
        { label: text("run.id"), value: raw(run.run_id), code: true },
        { label: text("run.asked_by"), value: raw(run.identity) },
        { label: text("run.asked_at"), value: text("moment", { moment: { at: run.created_at } }) },
        ...ended,
        { label: text("run.attempts"), value: raw(String(run.attempts)) },
        ...reason,
      ],
    };
  },
});
