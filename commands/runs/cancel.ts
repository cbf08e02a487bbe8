import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import { raw, text } from "../../core/reply.ts";
import { RUN_STATUSES } from "../../core/run.ts";
import { runId, visibleRun } from "./visible.ts";

/** Stops a run: one that waits ends at once, one at work is told to. What it has done by then stays done. */
export const runCancel = defineCommand({
  name: "run cancel",
  aliases: [],
  summary: { en: "Stop a run", ko: "실행 중지하기", ru: "Остановить запуск" },
  phrases: { en: ["stop my request"], ko: ["실행 중지해 줘"], ru: ["останови мой запрос"] },
  examples: { en: ["run_cancel 7k2m9qd04xvb"], ko: ["run_cancel 7k2m9qd04xvb"], ru: ["run_cancel 7k2m9qd04xvb"] },
  input: z.object({ run_id: runId.describe("The run's id, 12 letters and digits") }),
  output: z.object({ run_id: z.string(), command: z.string(), status: z.enum(RUN_STATUSES), state: z.enum(["cancelled", "stopping"]) }),
  positional: ["run_id"],
  role: "viewer",
  effect: "write",
  execution: { mode: "inline", timeout_ms: 5_000 },
  async handle({ run_id }, context) {
    await visibleRun(run_id, context);
    const cancelled = await context.ports.control.cancel(run_id, context.identity);
    if (!cancelled) throw new OpsError("not_found", `no run ${run_id}`, { text: text("run.not_found", { run_id }) });
    const { run, state } = cancelled;
    if (state !== "ended") return { run_id, command: run.command, status: run.status, state };
    const params = { status: text(`run.status.${run.status}`, { command: run.command }) };
    throw new OpsError("conflict", `${run_id} is ${run.status}`, { text: text("run_cancel.ended", params) });
  },
  present({ run_id, command, status, state }) {
    const lines = state === "stopping" ? [text("run_cancel.soon", { run_id })] : status === "unknown" ? [text("run_cancel.open")] : [];
    return {
      tone: status === "unknown" ? "warn" : "ok",
      title: text(state === "stopping" ? "run_cancel.stopping" : "run_cancel.done", { command }),
      fields: [{ label: text("run.id"), value: raw(run_id), code: true }],
      ...(lines.length > 0 && { lines }),
    };
  },
  undo: ({ run_id }) => `run_retry ${run_id}`,
});
