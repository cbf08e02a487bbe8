import { cancelledError } from "../core/cancelled.ts";
import type { Logger } from "../core/ports.ts";
import type { ClaimedRun, RunStopper } from "../core/stores.ts";
import { pause } from "./pause.ts";

/** What watching needs. */
export interface StopWatchDeps {
  readonly stopper: Pick<RunStopper, "stopping">;
  readonly log: Logger;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** How often is looked, in milliseconds; by default every second. */
  readonly every_ms?: number;
}

/** A run at work: its signal ends with the process, or when somebody wants the run stopped. */
export interface WatchedRun {
  readonly signal: AbortSignal;
  /** Who wants it stopped, as far as is known here. */
  stoppedBy(): string | null;
  /** Nobody works on it any more. */
  end(): void;
}

/** Watches the runs that this process works on. */
export type StopWatch = (run: ClaimedRun) => WatchedRun;

const EVERY_MS = 1_000;

/**
 * Makes the watch: one statement a second for all runs at work in this process, and none while there are none. A message by way of `Topic`
 * would be there sooner, but may get lost, so that the row had to be read all the same.
 */
export function createStopWatch({ stopper, log, stopping, every_ms = EVERY_MS }: StopWatchDeps): StopWatch {
  const watched = new Map<string, { readonly run: ClaimedRun; readonly controller: AbortController; by: string | null }>();
  let idle = new AbortController();
  const look = async () => {
    const wishes = await stopper.stopping([...watched.keys()]);
    for (const [run_id, by] of wishes) {
      const one = watched.get(run_id);
      if (!one || one.by !== null) continue;
      one.by = by;
      one.controller.abort(cancelledError(one.run, by));
    }
  };
  const watch = async () => {
    const { signal } = idle;
    for (await pause(every_ms, signal); !signal.aborted; await pause(every_ms, signal))
      // The next look finds what this one could not read.
      await look().catch((thrown: unknown) => log.debug({ err: thrown }, "the wishes to stop runs could not be read"));
  };
  return (run) => {
    const controller = new AbortController();
    const stop = () => controller.abort();
    if (stopping.aborted) stop();
    stopping.addEventListener("abort", stop, { once: true });
    if (watched.size === 0) {
      idle = new AbortController();
      void watch();
    }
    const mine = { run, controller, by: null as string | null };
    watched.set(run.run_id, mine);
    return {
      signal: controller.signal,
      stoppedBy: () => mine.by,
      end() {
        stopping.removeEventListener("abort", stop);
        if (watched.get(run.run_id) === mine) watched.delete(run.run_id);
        if (watched.size === 0) idle.abort();
      },
    };
  };
}
