import { query } from "../../clients/postgres/query.ts";
import type { BotAdapter, Health, PartState } from "../../core/ports.ts";
import type { Platforms } from "./platforms.ts";
import type { Queues } from "./queues.ts";
import type { Storage } from "./storage.ts";

/** A part that does not answer by then is down. */
const PATIENCE_MS = 1_500;

/** How the parts of this process are. */
export function createHealth(
  storage: Storage,
  queues: Queues,
  outside: { readonly platforms: Platforms; readonly adapters: readonly BotAdapter[] },
): Health {
  return {
    async check() {
      const [database, queue] = await Promise.all([
        probe("database", () => query(storage.pool, "SELECT 1")),
        probe("queue", () => queues.runs.counts()),
      ]);
      const queueState: PartState =
        queue.state === "ok" && queues.volatile ? { part: "queue", state: "degraded", note: "volatile" } : queue;
      const full = queues.events.full();
      const events: PartState[] = full === null ? [] : [{ part: "events", state: "degraded", note: full }];
      return [database, queueState, ...events, ...outside.adapters.map((adapter) => adapter.state()), outside.platforms.cloudflareState()];
    },
  };
}

async function probe(part: string, ask: () => Promise<unknown>): Promise<PartState> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), PATIENCE_MS);
  });
  try {
    await Promise.race([ask(), late]);
    return { part, state: "ok" };
  } catch (thrown) {
    return { part, state: "down", note: thrown instanceof Error ? thrown.message : String(thrown) };
  } finally {
    clearTimeout(timer);
  }
}
