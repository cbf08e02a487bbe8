import { brokenOffEnd, cancelledEnd } from "../core/cancelled.ts";
import { effectOf } from "../core/command.ts";
import type { Cancellation, RunControl } from "../core/desk-ports.ts";
import type { RunReader } from "../core/ports.ts";
import type { Registry } from "../core/registry.ts";
import type { RunView } from "../core/run.ts";
import type { RunStopper } from "../core/stores.ts";
import type { Enqueue } from "./enqueue.ts";

/** What stopping runs needs. */
export interface RunControlDeps {
  readonly runs: Pick<RunReader, "get"> & RunStopper;
  readonly registry: Pick<Registry, "find">;
  readonly enqueueDeliveries: Enqueue;
}

/** Makes the port by which commands stop runs; the process that works on one notices by itself (watch-stops.ts). */
export function createRunControl(deps: RunControlDeps): RunControl {
  const { runs, registry, enqueueDeliveries } = deps;
  return {
    async cancel(run_id, by) {
      const found = await runs.get(run_id);
      if (!found) return null;
      const command = registry.find(found.command);
      const effect = command ? effectOf(command, found.input) : "write";
      const ends = { untouched: cancelledEnd(found, by), begun: brokenOffEnd(found, by, effect) };
      const stopped = await runs.stop(run_id, by, ends);
      if (!stopped) return afterEnd(deps, found, by);
      await enqueueDeliveries(stopped.jobs);
      return { run: stopped.run, state: stopped.run.finished_at === null ? "stopping" : "cancelled" };
    },
  };
}

/** Whoever asks again, for their process died or their request came twice, hears the same. */
async function afterEnd({ runs }: RunControlDeps, found: RunView, by: string): Promise<Cancellation> {
  const run = (await runs.get(found.run_id)) ?? found;
  const isStopped = run.status === "cancelled" || run.status === "unknown";
  return { run, state: isStopped && (await runs.stoppedBy(run.run_id)) === by ? "cancelled" : "ended" };
}
