import type { Logger } from "../core/ports.ts";
import type { Person } from "../core/request.ts";
import { type ClaimedRun, type Job, jobId } from "../core/stores.ts";
import type { Enqueue } from "./enqueue.ts";
import type { WorkOnRun } from "./run-worker.ts";

/** What the seats need. */
export interface SeatsDeps {
  readonly work: WorkOnRun;
  readonly identify: (identity: string) => Promise<Person | null>;
  /** So many runs at work leave no seat. */
  readonly at_once: number;
  readonly log: Logger;
  readonly enqueueRuns: Enqueue;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
}

/** A run that is not over by then gets its job, in milliseconds. Most calls to a provider take longer; jobs of several runs go together. */
const JOB_AFTER_MS = 25;

/** A place among the runs that this process works on. */
export interface Seat {
  /** Works on a run that was claimed when it was stored. It gets its job in a moment; when that arrives here it joins. */
  begin(run: ClaimedRun): void;
  /** It is not needed after all. */
  leave(): void;
}

/** The runs that this process works on: those whose jobs have arrived, and those that it stored itself and began at once. */
export interface Seats {
  /** The handler of the queue `runs`. */
  work(run_id: string): Promise<void>;
  /**
   * A place for a run that is about to be stored; null where as many are worked on as may be, or nothing new is begun any more.
   * @param identity who asks: they are looked up once more while it is stored, for their role may have been taken from them meanwhile
   */
  take(identity: string): Seat | null;
  /** Begins nothing without its job from now on. Resolves when what was begun so is through. */
  close(): Promise<void>;
}

/** Makes them. Runs whose jobs arrive are worked on in any case, as many as the queue gives; a run is begun without its job only while there is room. */
export function createSeats({ work, identify, at_once, log, enqueueRuns, stopping }: SeatsDeps): Seats {
  const begun = new Map<string, Promise<void>>();
  let jobs: Job[] = [];
  const addJobs = () => {
    const open = jobs.filter(({ id }) => begun.has(id));
    jobs = [];
    void enqueueRuns(open);
  };
  let [taken, closed] = [0, false];
  const leave = () => {
    taken -= 1;
  };
  const begin = (run: ClaimedRun, person: Promise<Person | null>) => {
    const { run_id } = run;
    const through = async () => {
      try {
        await work(run_id, { run, person });
      } catch (thrown) {
        log.warn({ err: thrown, run_id }, "a run could not be worked on; the sweeper opens it again");
      } finally {
        begun.delete(run_id);
        leave();
      }
    };
    begun.set(run_id, through());
    if (jobs.length === 0) setTimeout(addJobs, JOB_AFTER_MS);
    jobs.push({ id: run_id, job_id: jobId(run_id, run.generation), delay_ms: 0 });
  };
  return {
    async work(run_id) {
      const here = begun.get(run_id);
      if (here !== undefined) return here;
      taken += 1;
      await work(run_id).finally(leave);
    },
    take(identity) {
      if (taken >= at_once || closed || stopping.aborted) return null;
      taken += 1;
      const person = identify(identity);
      // Heard of by the run, should it begin.
      person.catch(() => undefined);
      return { begin: (run) => begin(run, person), leave };
    },
    async close() {
      closed = true;
      while (begun.size > 0) await Promise.all(begun.values());
    },
  };
}
