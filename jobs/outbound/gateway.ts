import type { Channel, Ephemeral } from "../../core/ports.ts";
import type { Job } from "../../core/stores.ts";
import type { DeliverDeps } from "./deliver.ts";
import { createDispatcher } from "./dispatcher.ts";

/** What waits longer than this waits in the queue. */
const SOON_MS = 1_000;

/** What the gateway needs. */
export interface GatewayDeps extends DeliverDeps {
  readonly channels: ReadonlyMap<string, Channel>;
  readonly ephemeral: Pick<Ephemeral, "book" | "shut">;
}

/** The one way out for every message. */
export interface Gateway {
  /** The handler of the queue `deliveries`: lets a message wait for its turn. It is sent when the budgets allow it. */
  admit(delivery_id: string): Promise<void>;
  /**
   * The same for what was stored by this very process just now, at once or in a moment: saves the way through the queue.
   * @returns those that are not taken
   */
  handOver(jobs: readonly Job[]): readonly Job[];
  /** Finishes what is being sent and sends no more; the rest is found by the sweeper. */
  stop(): Promise<void>;
}

/** One way out for each token. The chats of each are sent to side by side, one message at a time in each of them. */
export function createGateway({ channels, ...deps }: GatewayDeps): Gateway {
  const stopping = new AbortController();
  const dispatchers = new Map(
    [...channels].map(([platform, channel]) => [platform, createDispatcher({ ...deps, channel, stopping: stopping.signal })]),
  );
  // What is to be said in a moment, unless there is something newer to say by then.
  const later = new Map<string, NodeJS.Timeout>();
  const take = ({ id, to, delay_ms }: Job): boolean => {
    const dispatcher = to && dispatchers.get(to.platform);
    if (!dispatcher || delay_ms > SOON_MS) return false;
    clearTimeout(later.get(id));
    later.delete(id);
    if (delay_ms <= 0) dispatcher.offer(id, to);
    else
      later.set(
        id,
        setTimeout(() => later.delete(id) && dispatcher.offer(id, to), delay_ms),
      );
    return true;
  };
  return {
    async admit(delivery_id) {
      if (stopping.signal.aborted || [...dispatchers.values()].some((dispatcher) => dispatcher.has(delivery_id))) return;
      const to = await deps.deliveries.locate(delivery_id);
      if (to) dispatchers.get(to.platform)?.offer(delivery_id, to);
    },
    handOver(jobs) {
      return stopping.signal.aborted ? jobs : jobs.filter((job) => !take(job));
    },
    async stop() {
      stopping.abort();
      for (const timer of later.values()) clearTimeout(timer);
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.idle()));
    },
  };
}
