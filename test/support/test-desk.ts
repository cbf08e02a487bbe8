import { createTexts, loadCatalogues } from "../../clients/texts.ts";
import { commands } from "../../commands/index.ts";
import { createProtection } from "../../core/addresses.ts";
import type { Command } from "../../core/command.ts";
import { PERSON_LIMITS } from "../../core/config-people.ts";
import { createDispatch } from "../../core/dispatch.ts";
import type { Events } from "../../core/events/ports.ts";
import type { CommandPorts, Health, People } from "../../core/ports.ts";
import { createRegistry } from "../../core/registry.ts";
import type { Texts } from "../../core/reply.ts";
import type { AuditEntry, AuditLog, RunStore } from "../../core/stores.ts";
import { createRunAcceptor } from "../../jobs/acceptor.ts";
import { createEnqueue } from "../../jobs/enqueue.ts";
import { createOutbox } from "../../jobs/outbox.ts";
import { createRunControl } from "../../jobs/run-control.ts";
import { createRunWorker } from "../../jobs/run-worker.ts";
import { breakable } from "./breakable.ts";
import { createTestClock } from "./clock.ts";
import { createMemoryDeliveries } from "./memory-deliveries.ts";
import { createMemoryEdge, type MemoryEdge } from "./memory-edge.ts";
import { createMemoryEphemeral } from "./memory-ephemeral.ts";
import { createMemoryEvents } from "./memory-events.ts";
import { createMemoryLedger } from "./memory-ledger.ts";
import { createMemoryLog } from "./memory-log.ts";
import { createMemoryPeople } from "./memory-people.ts";
import { createMemoryQueue } from "./memory-queue.ts";
import { createMemoryRules } from "./memory-rules.ts";
import { createMemoryRuns } from "./memory-runs.ts";
import { createMemoryTrail } from "./memory-trail.ts";
import { ROOT } from "./source.ts";

/** What a test may change of the desk. */
export interface TestDeskOptions {
  readonly commands?: readonly Command[];
  readonly texts?: Texts;
  readonly never_block?: readonly string[];
  /** Whether Telegram is on; it is. */
  readonly telegram?: boolean;
}

/** How often the worker looks whether it is to stop: a test waits for that. */
const LOOK_EVERY_MS = 5;

/** The product's words. */
export const loadTexts = (): Texts => createTexts(loadCatalogues(`${ROOT}commands/locales`));

/** The product's own texts, and for the commands of a test their key, with its params. */
export function withKeysOf(own: readonly string[], texts: Texts): Texts {
  const isOwn = (key: string) => own.some((prefix) => key.startsWith(prefix));
  return {
    say: (words, locale, zone) => ("key" in words && isOwn(words.key) ? words.key : texts.say(words, locale, zone)),
    has: (key, locale) => isOwn(key) || texts.has(key, locale),
  };
}

/** Every port in memory, behind a switch where it can fail. */
function createPorts() {
  const clock = createTestClock();
  const deliveries = createMemoryDeliveries(clock);
  const people = createMemoryPeople();
  const audit: AuditEntry[] = [];
  const edge = createMemoryEdge(clock);
  const runs = createMemoryRuns(clock, deliveries);
  const ledger = createMemoryLedger(clock, runs.get);
  const memoryEvents = createMemoryEvents(clock);
  return {
    ...{
      rules: createMemoryRules(clock, edge, ledger),
      clock,
      deliveries,
      audit,
      queue: createMemoryQueue(clock),
      log: createMemoryLog(),
      knownPeople: people,
    },
    ephemeral: breakable(createMemoryEphemeral(clock)),
    runs: breakable<RunStore>(runs),
    edge: breakable<MemoryEdge>(edge),
    ledger: breakable<ReturnType<typeof createMemoryLedger>>(ledger),
    people: breakable<People>(people),
    auditLog: breakable<AuditLog>({ append: async (entry) => void audit.push(structuredClone(entry)) }),
    trail: createMemoryTrail(audit, clock),
    fate: deliveries.fate,
    memoryEvents,
    events: breakable<Events>(memoryEvents.events),
    health: breakable<Health>({ check: async () => [{ part: "database", state: "ok" }] }),
  };
}

/** The real registry, dispatch and worker over ports in memory. */
export function createDeskParts(options: TestDeskOptions) {
  const memory = createPorts();
  const { clock, runs, edge, ledger, rules, people, health, ephemeral, events, log } = memory;
  const texts = options.texts ?? loadTexts();
  const registry = createRegistry(options.commands ?? commands, texts);
  const protectedBy = createProtection(options.never_block ?? []);
  const enqueueRuns = createEnqueue(memory.queue, log);
  const enqueueDeliveries = async () => {};
  const control = createRunControl({ runs, registry, enqueueDeliveries });
  const outbox = createOutbox({
    deliveries: memory.deliveries,
    fate: memory.fate,
    enqueueDeliveries,
    reaches: () => options.telegram ?? true,
  });
  const ports: CommandPorts = {
    control,
    trail: memory.trail,
    outbox,
    ...{ edge, ledger, rules, reconciler: rules },
    clock,
    runs,
    events,
    people,
    health,
    protectedBy,
    catalogue: registry.catalogue,
  };
  const stop = new AbortController();
  const shared = { registry, ports, log, audit: memory.auditLog, stopping: stop.signal };
  let tokens = 0;
  const dispatch = createDispatch({
    ...{ ...shared, ephemeral, newToken: () => `token-${++tokens}`, limits: PERSON_LIMITS },
    runs: createRunAcceptor({ runs, enqueueRuns, enqueueDeliveries, log, stopping: stop.signal }),
  });
  const work = createRunWorker({ ...shared, runs, enqueueRuns, enqueueDeliveries, identify: people.find, look_every_ms: LOOK_EVERY_MS });
  return { ...memory, texts, registry, ports, dispatch, work, stop, enqueueRuns };
}
