import { brokenOffEnd, cancelledEnd } from "../core/cancelled.ts";
import type { Effect } from "../core/command.ts";
import type { CommandPorts } from "../core/ports.ts";
import { type RunEnd, wordsOf } from "../core/run.ts";
import type { ClaimedRun } from "../core/stores.ts";
import { type PersistDeps, persist } from "./persist.ts";

interface StoppedDeps extends PersistDeps {
  readonly ports: Pick<CommandPorts, "outbox">;
}

/** A run that was at work when somebody wanted it stopped, and came back by a retry or a takeover. */
interface StoppedRun {
  readonly run: ClaimedRun;
  readonly by: string;
  readonly effect: Effect;
}

/**
 * Ends it. What it was to say to somebody is taken back: where that comes in time, nothing was done. While the database is away that is tried on:
 * an end without it would be told of a message that goes out all the same.
 */
export async function endStopped(deps: StoppedDeps, { run, by, effect }: StoppedRun): Promise<RunEnd> {
  const words = await persist(deps, () => deps.ports.outbox.withdraw(wordsOf(run.run_id).delivery_id));
  return words?.status === "withdrawn" ? cancelledEnd(run, by) : brokenOffEnd(run, by, effect);
}
