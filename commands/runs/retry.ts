import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import type { RunStatus } from "../../core/run.ts";
import { runId, visibleRun } from "./visible.ts";

const ENDED_BADLY: readonly RunStatus[] = ["failed", "unknown", "cancelled"];

/** Asks again for what a run asked for that has ended badly: a new run, for whoever may do that now, by every check. */
export const runRetry = defineCommand({
  name: "run retry",
  aliases: [],
  summary: { en: "Run a failed run again", ko: "실패한 실행 다시 하기", ru: "Повторить неудавшийся запуск" },
  phrases: { en: ["try my request again"], ko: ["실행 다시 해 줘"], ru: ["повтори мой запрос"] },
  examples: { en: ["run_retry 7k2m9qd04xvb"], ko: ["run_retry 7k2m9qd04xvb"], ru: ["run_retry 7k2m9qd04xvb"] },
  input: z.object({ run_id: runId.describe("The run's id, 12 letters and digits") }),
  output: z.object({ run_id: z.string(), command: z.string(), input: z.record(z.string(), z.unknown()) }),
  positional: ["run_id"],
  role: "viewer",
  effect: "write",
  execution: { mode: "inline", timeout_ms: 5_000 },
  async handle({ run_id }, context) {
    const { status, command, input } = await visibleRun(run_id, context);
    if (ENDED_BADLY.includes(status)) return { run_id, command, input: { ...input } };
    const why = status === "succeeded" ? text("run_retry.succeeded", { run_id }) : text("run_retry.open", { run_id });
    throw new OpsError("conflict", `${run_id} is ${status}`, { text: why });
  },
  next: ({ command, input }) => ({ command, input }),
  // Whoever looks at it sees the answer of what comes next.
  present: ({ run_id, command }) => ({ tone: "pending", title: text("run_retry.again", { run_id, command }) }),
});
