import type { Logger, Queue } from "../core/ports.ts";
import type { Job } from "../core/stores.ts";

/** Puts jobs of stored rows into a queue. It never rejects: a row whose job was not added is found by the sweeper. */
export type Enqueue = (jobs: readonly Job[]) => Promise<void>;

/**
 * Makes the function that queues the rows of one table.
 * @param handOver who works on them in this very process is told at once; the job that comes later finds them done
 */
export function createEnqueue(queue: Queue, log: Logger, handOver: (jobs: readonly Job[]) => void = () => undefined): Enqueue {
  return async (jobs) => {
    if (jobs.length === 0) return;
    handOver(jobs);
    try {
      await queue.add(jobs);
    } catch (thrown) {
      log.warn({ err: thrown, jobs: jobs.length }, "jobs could not be queued; the sweeper will queue them");
    }
  };
}
