import type { JobsOptions } from "bullmq";
import type { Logger, Queue, QueueWorker } from "../../core/ports.ts";
import { createBatches } from "../batches.ts";
import { withinDeadline } from "../deadline.ts";
import { createPostgresStore } from "./postgres.ts";
import { createProducer } from "./producer.ts";
import { createRedisStore } from "./redis.ts";
import type { JobData, Producer, QueueBackend } from "./store.ts";
import { startWorker } from "./worker.ts";

/** For whom a queue is opened. */
export interface QueueDeps {
  readonly log: Logger;
  /**
   * How long a job belongs to a worker that gives no sign, in milliseconds. A worker gives one every half of it, so it may be
   * blocked for a little less than the other half; another takes the job over when one to two of these are gone. Default 10 s.
   */
  readonly lock_ms?: number;
}

const LOCK_MS = 10_000;
/** How long finished and failed jobs stay, in seconds. */
const KEEP_SECONDS = 3_600;
/** At most so many of them. On PostgreSQL counting costs as much as there are, so one job in a hundred sees to it. */
const KEEP_COUNT = 10_000;
const COUNT_EVERY = 100;

/** Calls that add jobs and are under way; what comes meanwhile goes together in the next. */
const ADDS_AT_ONCE = 2;

/** Jobs before they are BullMQ's. */
type Jobs = Parameters<Queue["add"]>[0];

/**
 * A queue on BullMQ; what it does is the same on both backends. Nothing is retried here (a job has one attempt): who queued the job
 * watches its row.
 * @param name without ":"
 */
export function createQueue(name: string, backend: QueueBackend, { log, lock_ms = LOCK_MS }: QueueDeps): Queue {
  const user = { name, log };
  const store = backend.kind === "redis" ? createRedisStore<JobData>(backend.url, user) : createPostgresStore<JobData>(backend.pool, user);
  const producer = createProducer(name, store, log);
  const workers = new Set<QueueWorker>();
  const toBullJobs = createPacker(name);
  const add = createBatches(
    async (calls: readonly Packed[]) => {
      await producer.run((queue) => addAll(queue, calls.flat()));
      return calls.map(() => undefined);
    },
    // The jobs of one call stay together, in their order.
    { side_by_side: ADDS_AT_ONCE, weigh: (jobs) => jobs.length },
  );
  return {
    async add(jobs) {
      const packed = toBullJobs(jobs);
      if (packed.length === 0) return;
      // Those that wait for a batch before theirs are told as soon as those of that one.
      await withinDeadline(`queue ${name}`, () => add(packed)).catch((thrown: unknown) => {
        throw store.toError(thrown);
      });
    },
    async waiting(job_ids) {
      return new Set(job_ids.length === 0 ? [] : await producer.run(() => store.waiting(job_ids)));
    },
    async work(handler, { concurrency }) {
      const worker = await startWorker({ name, store, log, handler: ({ id }) => handler(id), concurrency, lock_ms });
      workers.add(worker);
      return worker;
    },
    async counts() {
      const states = ["waiting", "prioritized", "active", "delayed", "failed"] as const;
      const found = await producer.run((queue) => queue.getJobCounts(...states));
      const of = (state: (typeof states)[number]) => found[state] ?? 0;
      return { waiting: of("waiting") + of("prioritized"), active: of("active"), delayed: of("delayed"), failed: of("failed") };
    },
    async close() {
      await Promise.all([...workers].map((worker) => worker.close(0)));
      await producer.close();
      await store.close();
    },
  };
}

type Packed = Readonly<ReturnType<ReturnType<typeof createPacker>>>;

async function addAll(queue: Producer, jobs: Packed): Promise<void> {
  const [first] = jobs;
  // One alone needs no transaction around it.
  if (first && jobs.length === 1) await queue.add(first.name, first.data, first.opts);
  else await queue.addBulk([...jobs]);
}

/** Turns jobs into BullMQ's, every hundredth of which also sees to the number of finished ones. */
function createPacker(name: string) {
  let packed = 0;
  const keep = () => (packed++ % COUNT_EVERY === 0 ? { age: KEEP_SECONDS, count: KEEP_COUNT } : { age: KEEP_SECONDS });
  return (jobs: Jobs) =>
    jobs.map(({ job_id, id, delay_ms, priority }) => {
      // BullMQ keeps ":" for its keys and whole numbers for the ids it gives itself.
      if (/^\d*$|:/.test(job_id)) throw new RangeError(`"${job_id}" cannot be a job id`);
      const kept = keep();
      const opts: JobsOptions = { jobId: job_id, attempts: 1, stackTraceLimit: 0, removeOnComplete: kept, removeOnFail: kept };
      if (delay_ms !== undefined && delay_ms > 0) opts.delay = Math.ceil(delay_ms);
      if (priority !== undefined) opts.priority = priority;
      return { name, data: { id }, opts };
    });
}
