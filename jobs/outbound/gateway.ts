import type { Channel, Ephemeral } from "../../core/ports.ts";
import type { Job } from "../../core/stores.ts";
import type { DeliverDeps } from "./deliver.ts";
import { createDispatcher } from "./dispatcher.ts";

/** What the gateway needs. */
export interface GatewayDeps extends DeliverDeps {
  readonly channels: ReadonlyMap<string, Channel>;
  readonly ephemeral: Pick<Ephemeral, "book" | "put" | "get">;
}

/** The one way out for every message. */
export interface Gateway {
  /** The handler of the queue `deliveries`: lets a message wait for its turn. It is sent when the budgets allow it. */
  admit(delivery_id: string): Promise<void>;
  /** The same for what was stored by this very process just now: saves the way through the queue, which is taken all the same. */
  handOver(jobs: readonly Job[]): void;
  /** Finishes what is being sent and sends no more; the rest is found by the sweeper. */
  stop(): Promise<void>;
}

/** One way out for each token. The chats of each are sent to side by side, one message at a time in each of them. */
export function createGateway({ channels, ...deps }: GatewayDeps): Gateway {
  const stopping = new AbortController();
  const dispatchers = new Map(
    [...channels].map(([platform, channel]) => [platform, createDispatcher({ ...deps, channel, stopping: stopping.signal })]),
  );
  return {
    async admit(delivery_id) {
      if (stopping.signal.aborted || [...dispatchers.values()].some((dispatcher) => dispatcher.has(delivery_id))) return;
      const to = await deps.deliveries.locate(delivery_id);
      if (to) dispatchers.get(to.platform)?.offer(delivery_id, to);
    },
    handOver(jobs) {
      for (const { id, to, delay_ms } of jobs) if (to && delay_ms <= 0) dispatchers.get(to.platform)?.offer(id, to);
    },
    async stop() {
      stopping.abort();
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.idle()));
    },
  };
}
