import type { Queue } from "../../core/ports.ts";
import type { TestClock } from "./clock.ts";

/** A queue that works when the test says so. */
export interface MemoryQueue extends Queue {
  /** Takes the next job whose time has come. */
  next(): string | undefined;
  /** When the next job is due, in milliseconds since 1970. */
  dueAt(): number | undefined;
  /** Forgets every job, as a Redis that was wiped. */
  wipe(): void;
}

/** Makes an empty queue. */
export function createMemoryQueue(clock: TestClock): MemoryQueue {
  let jobs: { id: string; job_id: string; due_at: number }[] = [];
  const known = new Set<string>();
  const first = () => jobs.toSorted((a, b) => a.due_at - b.due_at)[0];
  return {
    async add(added) {
      for (const { id, job_id, delay_ms = 0 } of added) {
        if (!known.has(job_id)) jobs.push({ id, job_id, due_at: clock.ms() + delay_ms });
        known.add(job_id);
      }
    },
    waiting: async (job_ids) => new Set(jobs.map(({ job_id }) => job_id).filter((job_id) => job_ids.includes(job_id))),
    work: async () => {
      throw new Error("this queue is worked on by the test");
    },
    counts: async () => ({ waiting: jobs.length, active: 0, delayed: 0, failed: 0 }),
    close: async () => {},
    next() {
      const job = first();
      if (!job || job.due_at > clock.ms()) return undefined;
      jobs = jobs.filter((other) => other !== job);
      return job.id;
    },
    dueAt: () => first()?.due_at,
    wipe() {
      jobs = [];
    },
  };
}
