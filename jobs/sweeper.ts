import type { Logger, Queue } from "../core/ports.ts";
import type { Sweepable } from "../core/stores.ts";
import type { Enqueue } from "./enqueue.ts";
import { pause } from "./pause.ts";

/** A table whose rows wait in a queue. */
export interface Swept {
  readonly rows: Sweepable;
  readonly queue: Pick<Queue, "waiting">;
  readonly enqueue: Enqueue;
}

/** What the sweeper needs. */
export interface SweeperDeps {
  readonly tables: readonly Swept[];
  /** Takes over what came in and nobody works on. */
  readonly takeOverInbox: () => Promise<void>;
  readonly log: Logger;
}

/** A sweeper at work. */
export interface Sweeper {
  stop(): Promise<void>;
}

/** How soon the work of a killed process is taken over by another. */
const PAUSE_MS = 1_000;
/** Rows looked at in one round. */
const LIMIT = 500;

/**
 * Finds every row that was never queued, has vanished from its queue, or belongs to a process that died, and queues it again.
 * Any number of processes may sweep: rows are locked, and a job too many does no harm.
 */
export function startSweeper(deps: SweeperDeps): Sweeper {
  const stopping = new AbortController();
  const loop = async () => {
    let failing = false;
    for (let first = true; !stopping.signal.aborted; ) {
      try {
        await sweep(deps, first);
        first = false;
        failing = false;
      } catch (thrown) {
        if (!failing) deps.log.warn({ err: thrown }, "the sweeper cannot work; it goes on trying");
        failing = true;
      }
      await pause(PAUSE_MS, stopping.signal);
    }
  };
  const done = loop();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

/** One round. @param all also rows that were looked at just now; at start nobody else can tell */
export async function sweep(deps: Pick<SweeperDeps, "tables" | "takeOverInbox">, all: boolean): Promise<void> {
  await deps.takeOverInbox();
  for (const { rows, queue, enqueue } of deps.tables) {
    await enqueue(await rows.takeOver());
    const due = await rows.due(LIMIT, all);
    if (due.length === 0) continue;
    const waiting = await queue.waiting(due.map((job) => job.job_id));
    const lost = due.filter((job) => !waiting.has(job.job_id));
    if (lost.length > 0) await enqueue(await rows.requeue(lost.map((job) => job.id)));
  }
}
