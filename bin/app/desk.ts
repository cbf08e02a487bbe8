import { randomBytes, randomUUID } from "node:crypto";
import { createAuditLog } from "../../clients/postgres/audit.ts";
import { createAuditReader } from "../../clients/postgres/audit-reader.ts";
import { createLedger } from "../../clients/postgres/blocks.ts";
import { createDeliveryStore } from "../../clients/postgres/deliveries.ts";
import { createEventWriter } from "../../clients/postgres/event-writer.ts";
import { createEventStore } from "../../clients/postgres/events.ts";
import { createIdempotencyStore } from "../../clients/postgres/idempotency.ts";
import { createInboxStore } from "../../clients/postgres/inbox.ts";
import { createKeyStore } from "../../clients/postgres/keys.ts";
import { createDeliveryFate } from "../../clients/postgres/outbox.ts";
import { createPeople } from "../../clients/postgres/people.ts";
import { createRuleMirror } from "../../clients/postgres/rule-mirror.ts";
import { createRunStore } from "../../clients/postgres/runs.ts";
import { createProtection } from "../../core/addresses.ts";
import type { Config } from "../../core/config.ts";
import { createDispatch, type Dispatch } from "../../core/dispatch.ts";
import type { BotAdapter, CommandPorts, Logger } from "../../core/ports.ts";
import type { Job } from "../../core/stores.ts";
import { createRunAcceptor } from "../../jobs/acceptor.ts";
import { createReconciler } from "../../jobs/blocks/reconciler.ts";
import { createEnqueue } from "../../jobs/enqueue.ts";
import { createEvents } from "../../jobs/events/events.ts";
import type { Gateway } from "../../jobs/outbound/gateway.ts";
import type { Seats } from "../../jobs/run-seats.ts";
import { createDeskPorts } from "./desk-ports.ts";
import { createHealth } from "./health.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createIdentities, tellingPlatforms } from "./people.ts";
import type { Platforms } from "./platforms.ts";
import type { Queues } from "./queues.ts";
import { loadRegistry } from "./registry.ts";
import type { Storage } from "./storage.ts";

/** What all surfaces and workers share: the commands, the stores, and dispatch. */
export type Desk = Awaited<ReturnType<typeof createDesk>>;

/** What the desk is made of. */
export interface DeskParts {
  readonly config: Config;
  readonly storage: Storage;
  readonly queues: Queues;
  readonly platforms: Platforms;
  /** Filled in later, with what this process runs. */
  readonly adapters: readonly BotAdapter[];
  readonly log: Logger;
  readonly stopping: AbortSignal;
}

/** Puts the desk together. */
export async function createDesk({ config, storage, queues, platforms, adapters, log, stopping }: DeskParts) {
  const { registry, texts } = loadRegistry();
  const stores = createStores(storage, config);
  await stores.people.applyFirstGrants(config.first_grants);
  const health = createHealth(storage, queues, { platforms, adapters });
  const identities = createIdentities(config, stores.people, stores.keys);
  const clock = { now: () => new Date() };
  const { edge } = platforms;
  const reconciler = createReconciler({ edge, mirror: stores.rules, leases: storage.session, clock, log });
  // Filled in by the workers, where this process has them.
  const gateways: Pick<Gateway, "handOver">[] = [];
  const handOver = (jobs: readonly Job[]) => gateways.reduce((left, gateway) => gateway.handOver(left), jobs);
  const enqueue = { runs: createEnqueue(queues.runs, log), deliveries: createEnqueue(queues.deliveries, log, handOver) };
  const ports: CommandPorts = {
    ...{ clock, edge, ledger: stores.ledger, rules: stores.rules, reconciler },
    ...createDeskPorts({ stores, registry, platforms, enqueueDeliveries: enqueue.deliveries }),
    runs: stores.runs,
    events: createEvents({ tables: stores.events, queue: queues.events }),
    people: tellingPlatforms(stores.people, adapters),
    catalogue: registry.catalogue,
    health,
    protectedBy: createProtection(config.never_block),
  };
  // Filled in by the workers, where this process has them.
  const seats: Pick<Seats, "take">[] = [];
  const runs = createRunAcceptor({
    ...{ runs: stores.runs, enqueueRuns: enqueue.runs, enqueueDeliveries: enqueue.deliveries, log, stopping },
    seats: () => seats[0],
  });
  const newToken = () => randomBytes(18).toString("base64url");
  const metrics: Metrics = createMetrics(queues, stores.deliveries, health);
  const dispatch: Dispatch = metrics.counting(
    createDispatch({
      registry,
      ports,
      ephemeral: queues.ephemeral,
      runs,
      audit: stores.audit,
      log,
      newToken,
      stopping,
      limits: config.person_limits,
    }),
  );
  return {
    registry,
    texts,
    stores,
    health,
    identities,
    enqueue,
    gateways,
    seats,
    ports,
    metrics,
    dispatch,
    newId: () => randomUUID(),
  };
}

function createStores({ pool, often, events, session, prisma }: Storage, { sandbox }: Config) {
  return {
    inbox: createInboxStore(pool, session, often),
    idempotency: createIdempotencyStore(pool),
    runs: createRunStore(pool, session, often),
    deliveries: createDeliveryStore(pool, session, often),
    audit: createAuditLog(often),
    ledger: createLedger(pool, often),
    rules: createRuleMirror(pool),
    trail: createAuditReader(pool),
    fate: createDeliveryFate(pool),
    events: createEventStore(pool, often),
    eventWriter: createEventWriter(events),
    people: createPeople(prisma, { pool: often, sandbox: sandbox !== null }),
    keys: createKeyStore(prisma),
  };
}
