import { purge } from "../../clients/postgres/retention.ts";
import type { Config } from "../../core/config.ts";
import type { BotAdapter, Channel, Logger, QueueWorker } from "../../core/ports.ts";
import { startKeeper } from "../../jobs/blocks/keeper.ts";
import { createEventWork } from "../../jobs/events/writer.ts";
import { createIntake, type StartedIntake } from "../../jobs/intake.ts";
import { createGateway } from "../../jobs/outbound/gateway.ts";
import { pause } from "../../jobs/pause.ts";
import { startRetention } from "../../jobs/retention.ts";
import { createSeats } from "../../jobs/run-seats.ts";
import { createRunWorker } from "../../jobs/run-worker.ts";
import { startSweeper } from "../../jobs/sweeper.ts";
import type { Desk } from "./desk.ts";
import type { Platforms } from "./platforms.ts";
import type { Queues } from "./queues.ts";
import type { Storage } from "./storage.ts";

/** A part of the process that is stopped at its end. */
export interface Part {
  stop(within_ms: number): Promise<void>;
}

/** What the workers need. */
export interface WorkParts {
  readonly desk: Desk;
  readonly storage: Storage;
  readonly queues: Queues;
  readonly platforms: Platforms;
  readonly log: Logger;
  readonly stopping: AbortSignal;
}

/** Runs worked on at once in one process. Most of their time is spent waiting for others. */
const RUN_CONCURRENCY = 32;
/** Admitting a message is one read; the sending goes on when its turn has come. */
const DELIVERY_CONCURRENCY = 16;
/** Batches of events written at once: more only wait for each other in the database. */
const EVENT_CONCURRENCY = 3;

/** What comes in, worked on in this process. */
export function openIntake({ desk, log }: Pick<WorkParts, "desk" | "log">, adapters: readonly BotAdapter[]): StartedIntake {
  const { inbox, deliveries } = desk.stores;
  return createIntake({
    inbox,
    deliveries,
    enqueueDeliveries: desk.enqueue.deliveries,
    dispatch: desk.dispatch,
    interpreters: () => adapters,
    log,
  });
}

/** Starts the workers of both queues. */
export async function startWorkers({ desk, queues, platforms, log, stopping }: WorkParts): Promise<Part> {
  const { registry, ports, stores, enqueue, texts, identities, metrics } = desk;
  const channels = new Map<string, Channel>(platforms.telegram ? [["telegram", platforms.telegram.channel]] : []);
  const gateway = createGateway({
    deliveries: stores.deliveries,
    channels,
    ephemeral: queues.ephemeral,
    texts,
    enqueueDeliveries: enqueue.deliveries,
    meter: metrics.gateway,
    log,
  });
  desk.gateways.push(gateway);
  const work = createRunWorker({
    ...{ registry, ports, log, stopping },
    runs: stores.runs,
    audit: stores.audit,
    enqueueRuns: enqueue.runs,
    enqueueDeliveries: enqueue.deliveries,
    identify: identities.identify,
  });
  const seats = createSeats({ work, identify: identities.identify, at_once: RUN_CONCURRENCY, enqueueRuns: enqueue.runs, log, stopping });
  desk.seats.push(seats);
  const workers: QueueWorker[] = await Promise.all([
    queues.runs.work(seats.work, { concurrency: RUN_CONCURRENCY }),
    queues.deliveries.work((id) => gateway.admit(id), { concurrency: DELIVERY_CONCURRENCY }),
    queues.events.work(createEventWork({ writer: stores.eventWriter, meter: metrics.events, log }), { concurrency: EVENT_CONCURRENCY }),
  ]);
  return {
    async stop(within_ms) {
      const late = new AbortController();
      await Promise.all([
        ...workers.map((each) => each.close(within_ms)),
        Promise.race([seats.close(), pause(within_ms, late.signal)]),
        gateway.stop(),
      ]);
      late.abort();
    },
  };
}

/** Starts the sweeper. */
export function startSweeping({ desk, queues, log }: WorkParts, intake: StartedIntake): Part {
  const { stores, enqueue } = desk;
  const sweeper = startSweeper({
    tables: [
      { rows: stores.runs, queue: queues.runs, enqueue: enqueue.runs },
      { rows: stores.deliveries, queue: queues.deliveries, enqueue: enqueue.deliveries },
    ],
    takeOverInbox: intake.takeOver,
    log,
  });
  return { stop: () => sweeper.stop() };
}

/** Starts to delete what is older than it is kept for. Of several processes one does so at a time. */
export function startPurging({ storage, log }: WorkParts, { events }: Config): Part {
  const retention = startRetention({
    purge: (signal) => purge(storage.pool, { event_days: events.retention_days, signal }),
    leases: storage.session,
    log,
  });
  return { stop: () => retention.stop() };
}

/** Starts the keeper of blocks. Of several processes one keeps at a time. */
export function startKeeping({ desk, storage, platforms, log }: WorkParts): Part {
  // Without Cloudflare there is nothing to keep.
  if (platforms.cloudflare === "off") return { stop: async () => undefined };
  const { ledger, audit } = desk.stores;
  const { edge, reconciler } = desk.ports;
  const keeper = startKeeper({ edge, ledger, reconciler, audit, leases: storage.session, log });
  return { stop: () => keeper.stop() };
}
