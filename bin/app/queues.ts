import { createEventQueue } from "../../clients/bullmq/event-queue.ts";
import { createQueue } from "../../clients/bullmq/queue.ts";
import { createPostgresEphemeral } from "../../clients/postgres/ephemeral.ts";
import { checkRedis } from "../../clients/redis/connection.ts";
import { createRedisEphemeral } from "../../clients/redis/ephemeral.ts";
import type { Config } from "../../core/config.ts";
import { ConfigError } from "../../core/config-fields.ts";
import { OpsError } from "../../core/errors.ts";
import type { EventQueue } from "../../core/events/ports.ts";
import type { Ephemeral, Logger, Queue } from "../../core/ports.ts";
import type { Storage } from "./storage.ts";

/** What is on Redis where there is one, else on PostgreSQL. Decided here, and in storage.ts what writing events may leave to the queue. */
export interface Queues {
  readonly runs: Queue;
  readonly deliveries: Queue;
  readonly events: EventQueue;
  readonly ephemeral: Ephemeral;
  /** A Redis that may forget. */
  readonly volatile: boolean;
  close(): Promise<void>;
}

const MIB = 1_048_576;

/**
 * Opens the queues and what is kept for a while.
 * @throws ConfigError when `REDIS_REQUIRE_AOF` is set and the Redis may forget, OpsError `unavailable` when it cannot be reached
 */
export async function openQueues(config: Config, storage: Storage, log: Logger): Promise<Queues> {
  const { redis } = config;
  const volatile = redis !== null && (await mayForget(redis, log));
  const backend = redis
    ? ({ kind: "redis", url: redis.url } as const)
    : ({ kind: "postgres", pool: storage.queuePool, worker_pool: storage.relaxedPool } as const);
  const runs = createQueue("runs", backend, { log });
  const deliveries = createQueue("deliveries", backend, { log });
  const events = createEventQueue(backend, { log, max_bytes: config.events.queue_mb * MIB });
  const ephemeral = redis ? createRedisEphemeral({ url: redis.url, log }) : createPostgresEphemeral({ pool: storage.pool, log });
  const close = async () => {
    await Promise.all([runs.close(), deliveries.close(), events.close(), ephemeral.close()]);
  };
  return { runs, deliveries, events, ephemeral, volatile, close };
}

async function mayForget({ url, require_aof }: { url: string; require_aof: boolean }, log: Logger): Promise<boolean> {
  const facts = await checkRedis(url).catch((cause: unknown) => {
    throw new OpsError("unavailable", "the Redis at REDIS_URL cannot be reached", { cause });
  });
  if (facts.aof && facts.noeviction) return false;
  const wrong = [...(facts.aof ? [] : ["appendonly yes"]), ...(facts.noeviction ? [] : ["maxmemory-policy noeviction"])].join(" and ");
  if (require_aof) throw new ConfigError("REDIS_URL", `must be a Redis with ${wrong}, for REDIS_REQUIRE_AOF is set`);
  log.warn({ missing: wrong }, "Redis may forget queued work when it stops; rows are queued again, events would be lost");
  return true;
}
