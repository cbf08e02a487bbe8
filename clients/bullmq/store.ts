import type { Queue as BullQueue, Worker as BullWorker, JobsOptions } from "bullmq";
import type { Logger } from "../../core/ports.ts";
import type { createPool } from "../postgres/pool.ts";

/** Where the jobs are kept. */
export type QueueBackend =
  | { readonly kind: "redis"; readonly url: string }
  /**
   * A pool whose `search_path` is `bullmq,public`; BullMQ's migrations have run. Shared, its owner ends it.
   * All workers together hold one of its connections for LISTEN, so its `max` must leave room for that.
   */
  | {
      readonly kind: "postgres";
      readonly pool: ReturnType<typeof createPool>;
      /**
       * Another for the workers, whose commits need not wait for the disk: a claim or a completion that a crash of the machine undoes is made again.
       * By default the same.
       */
      readonly worker_pool?: ReturnType<typeof createPool>;
    };

/** What is in a job: which row to work on, and nothing else. */
export interface JobData {
  readonly id: string;
}

/** What is used of BullMQ's producer. */
export type Producer<Data = JobData> = Pick<BullQueue<Data>, "getJobCounts" | "waitUntilReady" | "close"> & {
  add(name: string, data: Data, opts: JobsOptions): Promise<unknown>;
  addBulk(jobs: { name: string; data: Data; opts: JobsOptions }[]): Promise<unknown>;
} & Failing;

/** What is used of BullMQ's worker. */
export type Consumer = Pick<BullWorker, "waitUntilReady" | "pause" | "resume" | "close"> &
  Failing & { on(event: "drained", listener: () => void): unknown };

interface Failing {
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** How a worker works, in BullMQ's words. */
export interface ConsumerOptions {
  readonly concurrency: number;
  readonly lockDuration: number;
  readonly stalledInterval: number;
  readonly maxStalledCount: number;
  readonly runRetryDelay: number;
}

/** A worker, and what BullMQ's own type leaves out. */
export interface OpenConsumer {
  readonly consumer: Consumer;
  /** From now on it works on so many jobs at once. */
  setConcurrency(at_once: number): void;
  /** Cuts its connections, whatever it is doing. */
  disconnect(): Promise<void>;
}

/** How much waits, as far as it was looked at. */
export interface Backlog {
  /** Jobs that have not ended. */
  readonly jobs: number;
  /** When the oldest of them was queued, in milliseconds since 1970; null where there is none. */
  readonly oldest_at: number | null;
  /** Bytes of what is in them; from a sample, where there are many. */
  readonly bytes: number;
  /** How full the store is, from 0 to 1; 0 where it has no limit. */
  readonly fullness: number;
}

/** What differs between Redis and PostgreSQL. Everything else about a queue is in queue.ts, event-queue.ts, producer.ts and worker.ts. */
export interface JobStore<Data = JobData> {
  /** Resolves when the store answers. */
  ping(): Promise<unknown>;
  /** A new producer, not yet ready. */
  producer(): Producer<Data>;
  /** A new worker, which starts at once. It is told when each job was queued, in milliseconds since 1970. */
  consumer(work: (data: Data, queued_at: number) => Promise<void>, options: ConsumerOptions): OpenConsumer;
  /** Of these job ids, those that are neither finished nor gone, in one round trip. */
  waiting(job_ids: readonly string[]): Promise<readonly string[]>;
  /** What waits or is being worked on. */
  backlog(): Promise<Backlog>;
  /** What is in the jobs that have not ended, as the JSON it was stored as: so many at a time, the newest first. */
  contents(at_a_time: number): AsyncIterable<readonly string[]>;
  /** What the store threw: `unavailable` where it cannot be had, else what it was. */
  toError(thrown: unknown): unknown;
  close(): Promise<void>;
}

/** Whose store it is. */
export interface StoreUser {
  readonly name: string;
  readonly log: Logger;
}

/** Options of every producer: nobody reads BullMQ's stream of events, whose default is 10,000 entries a queue. */
export const STREAMS = { events: { maxLen: 100 } };
