import type { Logger, Queue } from "../core/ports.ts";
import type { Job } from "../core/stores.ts";

/** Puts jobs of stored rows into a queue. It never rejects: a row whose job was not added is found by the sweeper. */
export type Enqueue = (jobs: readonly Job[]) => Promise<void>;

/**
 * Makes the function that queues the rows of one table.
 * @param handOver gives them to whoever works on them in this very process, and gives back those that it does not take. What is taken needs no
 *   job: should the process die, the sweeper finds the row, as it finds one whose job is lost
 */
export function createEnqueue(queue: Queue, log: Logger, handOver: (jobs: readonly Job[]) => readonly Job[] = (jobs) => jobs): Enqueue {
  return async (given) => {
    const jobs = handOver(given);
    if (jobs.length === 0) return;
    try {
      await queue.add(jobs);
    } catch (thrown) {
      log.warn({ err: thrown, jobs: jobs.length }, "jobs could not be queued; the sweeper will queue them");
    }
  };
}
