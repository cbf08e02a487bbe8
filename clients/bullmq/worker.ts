import { setTimeout as sleep } from "node:timers/promises";
import type { Logger, QueueWorker } from "../../core/ports.ts";
import { withinDeadline } from "../deadline.ts";
import type { Consumer, JobStore } from "./store.ts";

/** What a worker needs. */
export interface WorkerDeps<Data> {
  readonly name: string;
  readonly store: JobStore<Data>;
  readonly log: Logger;
  readonly handler: (data: Data, queued_at: number) => Promise<void>;
  readonly concurrency: number;
  /** Given the means to change that as it goes. */
  readonly onOpen?: (setConcurrency: (at_once: number) => void) => void;
  /** Told when the queue had no job to give. */
  readonly onDrained?: () => void;
  /** Whether an error is dealt with, so that it need not rest. */
  readonly onError?: (error: Error) => boolean;
  readonly lock_ms: number;
}

/** A job whose process died is given to another as often as it takes: who queued it decides when it is enough. */
const STALLED_COUNT_MAX = 1_000_000;
/** Pauses between two attempts to reach a lost store, in milliseconds. The longer ones are for a store that fails again at once. */
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 30_000;
/** A failure this long after the one before is a new one, in milliseconds. */
const CALM_MS = 60_000;

/**
 * Starts a worker. It outlives outages: while the store is away it pauses, and says so once.
 * @throws OpsError `unavailable` when the store does not answer within 2 s at the start
 */
export async function startWorker<Data>({
  name,
  store,
  log,
  handler,
  concurrency,
  onOpen,
  onDrained,
  onError,
  lock_ms,
}: WorkerDeps<Data>): Promise<QueueWorker> {
  const ping = () => withinDeadline(`worker ${name}`, () => store.ping());
  // Before BullMQ opens anything: it cannot be closed while it still connects.
  await ping().catch((thrown: unknown) => {
    throw store.toError(thrown);
  });
  const open = store.consumer(handler, {
    concurrency,
    lockDuration: lock_ms,
    stalledInterval: Math.ceil(lock_ms / 2),
    maxStalledCount: STALLED_COUNT_MAX,
    runRetryDelay: PAUSE_MIN_MS,
  });
  onOpen?.(open.setConcurrency);
  if (onDrained) open.consumer.on("drained", onDrained);
  const watch = watchConsumer(open.consumer, { name, log, ping, isHandled: onError ?? (() => false) });
  const close = async (within_ms: number) => {
    watch.stop();
    const late = new AbortController();
    const closing = open.consumer.close().catch(() => undefined);
    await Promise.race([closing, sleep(within_ms, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    // What is left behind is taken over when its lock runs out.
    await open.disconnect().catch(() => undefined);
  };
  try {
    await withinDeadline(`worker ${name}`, () => open.consumer.waitUntilReady());
  } catch (thrown) {
    await close(0);
    throw store.toError(thrown);
  }
  let closed: Promise<void> | undefined;
  return {
    close(within_ms) {
      closed ??= close(within_ms);
      return closed;
    },
  };
}

// After an outage a worker may have lost a job to another, which does no harm: rows are claimed. Source: bullmq 6.7,
// classes/finished-errors.js and lock-manager.js.
const LOST_JOB = /could not renew lock|Missing (lock|key) for job|Lock mismatch|is not in the active state/;

/**
 * Lets the consumer rest after an error and wakes it when the store answers. By itself BullMQ asks again without a pause after
 * any error but ECONNREFUSED, which makes a busy loop of an outage.
 */
function watchConsumer(
  consumer: Consumer,
  {
    name,
    log,
    ping,
    isHandled,
  }: Pick<WorkerDeps<unknown>, "name" | "log"> & { ping(): Promise<unknown>; isHandled(error: Error): boolean },
) {
  const stopping = new AbortController();
  let resting = false;
  let pause_ms = PAUSE_MIN_MS;
  let last_failure = 0;

  const reachable = () =>
    ping().then(
      () => true,
      () => false,
    );
  const rest = async () => {
    const again = Date.now() - last_failure < CALM_MS;
    pause_ms = again ? Math.min(2 * pause_ms, PAUSE_MAX_MS) : PAUSE_MIN_MS;
    await consumer.pause(true);
    do {
      await sleep(pause_ms, undefined, { signal: stopping.signal, ref: false });
    } while (!(await reachable()));
    last_failure = Date.now();
    await consumer.resume();
  };
  consumer.on("error", (error) => {
    if (resting || stopping.signal.aborted || LOST_JOB.test(error.message) || isHandled(error)) {
      log.debug({ err: error, queue: name }, "the worker met an error");
      return;
    }
    resting = true;
    log.warn({ queue: name, reason: error.message }, "the worker lost its queue");
    rest()
      .then(() => log.info({ queue: name }, "the worker has its queue back"))
      .catch((thrown: unknown) => log.debug({ err: thrown, queue: name }, "the worker stopped while it rested"))
      .finally(() => {
        resting = false;
      });
  });
  return { stop: () => stopping.abort() };
}
