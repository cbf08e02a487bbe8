import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobsOptions } from "bullmq";
import { BATCH_MAX, type EventBatch, holdsEvent, isBatch, toBatch } from "../../core/events/batch.ts";
import type { CollectedEvent } from "../../core/events/event.ts";
import type { EventQueue } from "../../core/events/ports.ts";
import type { Logger, QueueWorker } from "../../core/ports.ts";
import { ANSWER_WITHIN_MS, unavailable, withinDeadline } from "../deadline.ts";
import { createWriting, type WritingDeps } from "./event-writing.ts";
import { createGatherer } from "./gatherer.ts";
import { type BatchData, packBatch, unpackBatch } from "./packing.ts";
import { createPostgresStore } from "./postgres.ts";
import { createPressure } from "./pressure.ts";
import { createProducer } from "./producer.ts";
import { createRedisStore } from "./redis.ts";
import type { Backlog, JobStore, QueueBackend } from "./store.ts";
import { startWorker } from "./worker.ts";

/** For whom a queue of events is opened. */
export interface EventQueueDeps {
  readonly log: Logger;
  /** How much may wait, in bytes. */
  readonly max_bytes: number;
  /** See `QueueDeps.lock_ms`. */
  readonly lock_ms?: number;
}

const NAME = "events";
const LOCK_MS = 10_000;
/** See `GathererOptions`. */
const LINGER_MS = 6;
/** Batches being queued at once. */
const SIDE_BY_SIDE = 3;
/** Events that may be in this process and not yet queued: a second's worth at the highest rate, some 20 MB. */
const HELD_MAX = 50_000;
/** A batch that was not written is given to a worker again after this time, in milliseconds. */
const RETRY_MS = 1_000;
/** The most that BullMQ's table counts (`integer`); at one a second that is 68 years. */
const FOR_EVER = 2_147_483_647;
/** Batches looked through at a time. */
const LOOK = 50;

/**
 * The queue of events on BullMQ: a job is a batch, and gone once it is written. Nothing is ever given up: a batch is tried until it is written, and
 * whose process dies is given to another.
 */
export function createEventQueue(backend: QueueBackend, { log, max_bytes, lock_ms = LOCK_MS }: EventQueueDeps): EventQueue {
  const store = openStore(backend, log);
  const producer = createProducer(NAME, store, log);
  const look = oneAtATime(() => store.backlog());
  const backlog = () => {
    for (const writer of writers) writer.release();
    return producer.run(look);
  };
  const pressure = createPressure({ backlog: look, max_bytes, log });
  const toJobs = createPacker(backend);
  let total = 0;
  let last_queued_at = 0;
  const gatherer = createGatherer<CollectedEvent>({
    ...{ max: BATCH_MAX, linger_ms: LINGER_MS, side_by_side: SIDE_BY_SIDE, bound: HELD_MAX, part: "queue events" },
    async send(events) {
      await pressure.pass();
      const jobs = await toJobs(events);
      const [first] = jobs;
      await producer.run((queue) => (first && jobs.length === 1 ? queue.add(NAME, first.data, first.opts) : queue.addBulk(jobs)));
      total += events.length;
      last_queued_at = Date.now();
      for (const writer of writers) for (const _ of jobs) writer.queued();
    },
  });
  const writers = new Set<Writer>();
  return {
    add: gatherer.add,
    async work(write, { concurrency }) {
      const writer = await startWriter({ store, log, lock_ms, pressure, most: concurrency, write });
      writers.add(writer);
      return writer;
    },
    holds: (event_id) =>
      withinDeadline("queue events", () => isIn(store.contents(LOOK), event_id)).catch((thrown: unknown) => {
        throw store.toError(thrown);
      }),
    async backlog() {
      const { jobs, oldest_at } = await backlog();
      return { batches: jobs, oldest_ms: oldest_at === null ? 0 : Math.max(0, Date.now() - oldest_at) };
    },
    full() {
      void pressure.look(FULL_LOOK_MS);
      return pressure.full();
    },
    total: () => total,
    lastQueuedAt: () => last_queued_at,
    drained: (signal) => isDrained(backlog, signal),
    async close() {
      await Promise.all([...writers].map((writer) => writer.close(0)));
      await producer.close();
      await store.close();
    },
  };
}

/** A worker that writes, and is told what this process queues and when somebody asks what is left. */
type Writer = QueueWorker & Pick<ReturnType<typeof createWriting>, "queued" | "release">;

interface WriterDeps extends Omit<WritingDeps, "write">, Required<Pick<EventQueueDeps, "log" | "lock_ms">> {
  readonly store: JobStore<BatchData>;
  write(batch: EventBatch, signal: AbortSignal): Promise<void>;
}

async function startWriter({ store, log, lock_ms, pressure, most, write }: WriterDeps): Promise<Writer> {
  const stopping = new AbortController();
  const writing = createWriting({ pressure, most, write: (batch) => write(batch, stopping.signal) });
  const worker = await startWorker({ name: NAME, store, log, concurrency: 1, lock_ms, ...writing });
  return {
    ...{ queued: writing.queued, release: writing.release },
    async close(within_ms) {
      stopping.abort();
      await worker.close(within_ms);
    },
  };
}

function openStore(backend: QueueBackend, log: Logger): JobStore<BatchData> {
  const user = { name: NAME, log };
  if (backend.kind === "redis") return createRedisStore(backend.url, user);
  return createPostgresStore(backend.pool, { ...user, worker_pool: backend.worker_pool });
}

/** Makes jobs of events, of up to 500 each. */
function createPacker({ kind }: QueueBackend) {
  // A byte in Redis costs next to nothing.
  const pack = kind === "redis" ? (batch: EventBatch) => batch : packBatch;
  return (events: readonly CollectedEvent[]) => {
    const count = Math.ceil(events.length / BATCH_MAX);
    const batches = Array.from({ length: count }, (_, at) => toBatch(events.slice(at * BATCH_MAX, (at + 1) * BATCH_MAX)));
    return Promise.all(batches.map(async (each) => ({ name: NAME, data: await pack(each), opts: options() })));
  };
}

async function isDrained(backlog: () => Promise<Pick<Backlog, "oldest_at">>, signal: AbortSignal): Promise<boolean> {
  const asked_at = Date.now();
  while (!signal.aborted) {
    const { oldest_at } = await backlog();
    // Clocks of processes differ a little.
    if (oldest_at === null || oldest_at > asked_at + CLOCKS_MS) return true;
    await sleep(DRAIN_LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

/** Several who ask at once, or while it takes long, share one answer. */
function oneAtATime<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask().finally(() => {
      asked = undefined;
    });
    return asked;
  };
}

const DRAIN_LOOK_MS = 100;
const CLOCKS_MS = 1_000;
/** Whether it is still full is looked up at most so often where nobody sends, in milliseconds. */
const FULL_LOOK_MS = 1_000;

function options(): JobsOptions {
  return {
    jobId: `e-${randomUUID()}`,
    attempts: FOR_EVER,
    backoff: { type: "fixed", delay: RETRY_MS },
    stackTraceLimit: 0,
    removeOnComplete: true,
    removeOnFail: false,
  };
}

/** @param contents what is in jobs, as JSON */
async function isIn(contents: AsyncIterable<readonly string[]>, event_id: string): Promise<boolean> {
  const late_at = performance.now() + ANSWER_WITHIN_MS;
  for await (const some of contents) {
    // Whoever asked was told by then; the rest would be read for nobody.
    if (performance.now() > late_at) throw unavailable("queue events: too much waits to be looked through");
    for (const json of some) if (await isInJob(json, event_id)) return true;
  }
  return false;
}

async function isInJob(json: string, event_id: string): Promise<boolean> {
  // Reading the JSON costs more than looking whether the words are there at all.
  if (!json.includes(JSON.stringify(event_id).slice(1, -1)) && !json.includes(DEFLATED)) return false;
  const data = await unpackBatch(JSON.parse(json));
  return isBatch(data) && holdsEvent(data, event_id);
}

const DEFLATED = '"deflated"';
