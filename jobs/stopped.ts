import { brokenOffEnd, cancelledEnd } from "../core/cancelled.ts";
import type { Effect } from "../core/command.ts";
import type { CommandPorts } from "../core/ports.ts";
import { type RunEnd, wordsOf } from "../core/run.ts";
import type { ClaimedRun } from "../core/stores.ts";

/** A run that was at work when somebody wanted it stopped, and came back by a retry or a takeover. */
interface StoppedRun {
  readonly run: ClaimedRun;
  readonly by: string;
  readonly effect: Effect;
}

/** Ends it. What it was to say to somebody is taken back: where that comes in time, nothing was done. */
export async function endStopped({ outbox }: Pick<CommandPorts, "outbox">, { run, by, effect }: StoppedRun): Promise<RunEnd> {
  const words = await outbox.withdraw(wordsOf(run.run_id).delivery_id);
  return words?.status === "withdrawn" ? cancelledEnd(run, by) : brokenOffEnd(run, by, effect);
}
