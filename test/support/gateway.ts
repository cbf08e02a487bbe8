import { onTestFinished } from "vitest";
import { createPostgresEphemeral } from "../../clients/postgres/ephemeral.ts";
import type { Connection } from "../../clients/postgres/pool.ts";
import type { DeliveryStore, Job } from "../../core/stores.ts";
import { createGateway } from "../../jobs/outbound/gateway.ts";
import { createFakeChannel } from "./fake-channel.ts";
import { createMemoryLog } from "./memory-log.ts";
import { openProcess, SILENT } from "./stores.ts";

/** What a test changes of a gateway. */
export interface GatewayStage {
  readonly limits?: Parameters<typeof createFakeChannel>[0];
  /** Puts something between the gateway and its store. */
  readonly between?: (store: DeliveryStore) => DeliveryStore;
}

/** Words as they are: the tests' replies are all raw. */
const texts = { say: (text: object) => ("raw" in text ? String(text.raw) : "?"), has: () => true };

/** A gateway on a database, whose queue is timers: a job is admitted when its delay is over. */
export async function openGateway(database: Connection, { limits, between = (store) => store }: GatewayStage = {}) {
  const here = await openProcess(database);
  const channel = createFakeChannel(limits);
  const log = createMemoryLog();
  const timers = new Set<NodeJS.Timeout>();
  const jobs: Job[] = [];
  const enqueueDeliveries = async (added: readonly Job[]) => {
    jobs.push(...added);
    for (const { id, delay_ms } of added) timers.add(setTimeout(() => void gateway.admit(id), delay_ms));
  };
  const ephemeral = createPostgresEphemeral({ pool: here.pool, log: SILENT });
  const channels = new Map([["telegram", channel]]);
  const counted: string[] = [];
  const meter = { count: (_platform: string, what: string) => void counted.push(what) };
  const gateway = createGateway({ deliveries: between(here.deliveries), channels, ephemeral, texts, enqueueDeliveries, meter, log });
  onTestFinished(async () => {
    for (const timer of timers) clearTimeout(timer);
    await gateway.stop();
    await ephemeral.close();
  });
  return {
    ...here,
    channel,
    gateway,
    log,
    counted,
    jobs,
    enqueueDeliveries,
    titles: () => channel.calls.map(({ title }) => title),
    /** What became of each message. */
    statuses: async () =>
      Object.fromEntries(
        (await here.rows<{ id: string; status: string }>("SELECT delivery_id AS id, status FROM deliveries")).map((row) => [
          row.id,
          row.status,
        ]),
      ),
  };
}
