import type { Effect } from "./command.ts";
import { OpsError } from "./errors.ts";
import { type Reply, text } from "./reply.ts";
import type { RunEnd } from "./run.ts";

/** The run of which the end is told. */
interface Stopped {
  readonly run_id: string;
  readonly command: string;
}

/** What a handler's signal is aborted with. */
export function cancelledError({ run_id, command }: Stopped, by: string): OpsError {
  return new OpsError("cancelled", `${run_id} was cancelled by ${by}`, { text: text("run.cancelled_by", { command, by }) });
}

/** Whether a handler is to stop because somebody cancelled its run, and not for want of time. */
export function isCancelled({ reason }: AbortSignal): boolean {
  return reason instanceof OpsError && reason.code === "cancelled";
}

/** The end of a run that never began, or of which it is known that it did nothing. */
export function cancelledEnd(run: Stopped, by: string): RunEnd {
  const title = text("run.cancelled_by", { command: run.command, by });
  return { status: "cancelled", output: null, error: { code: "cancelled", text: title }, reply: saying(run, { tone: "info", title }) };
}

/** The end of a run that was stopped when it had begun: where it changes things, nobody knows how far it came. */
export function brokenOffEnd(run: Stopped, by: string, effect: Effect): RunEnd {
  if (effect === "read") return cancelledEnd(run, by);
  const title = text("run.cancelled_open", { command: run.command, by });
  return { status: "unknown", output: null, error: { code: "outcome_unknown", text: title }, reply: saying(run, { tone: "warn", title }) };
}

/** The end of a run that was told to stop and gave what it had: that stays done, and is said as always. */
export function stoppedEnd(run: Stopped, by: string, done: { readonly output: unknown; readonly reply: Reply }): RunEnd {
  const title = text("run.cancelled_by", { command: run.command, by });
  const lines = [text("run.done_until_then"), done.reply.title, ...(done.reply.lines ?? [])];
  return {
    status: "cancelled",
    output: done.output,
    error: { code: "cancelled", text: title },
    reply: { ...done.reply, tone: "warn", title, lines },
  };
}

function saying({ run_id }: Stopped, reply: Reply): Reply {
  return { ...reply, fields: [{ label: text("run.id"), value: { raw: run_id }, code: true }] };
}
