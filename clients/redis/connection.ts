import { type RedisOptions as AllRedisOptions, Redis } from "ioredis";
import { OpsError } from "../../core/errors.ts";
import type { Logger } from "../../core/ports.ts";
import { ANSWER_WITHIN_MS, unavailable, withinDeadline } from "../deadline.ts";

/** Options of ioredis; replies keep their usual shapes. */
export type RedisOptions = Omit<AllRedisOptions, "replyMapping">;

/** Who uses a connection, for the log. */
export interface RedisUser {
  /** Named in log lines and errors, for example `queue runs`. */
  readonly part: string;
  readonly log: Logger;
}

/** A connection that answers or fails within 2 s and comes back by itself. */
export interface RedisConnection {
  readonly client: Redis;
  /**
   * Runs commands. Before the first connection stands they wait for it; later they fail at once while Redis is away.
   * @throws OpsError `unavailable`
   */
  run<T>(command: (client: Redis) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** What a Redis says about itself. */
export interface RedisFacts {
  /** Whether it writes an append-only file: without one a restart loses what was acknowledged. */
  readonly aof: boolean;
  /** Whether it refuses writes when its memory is full, instead of dropping jobs. */
  readonly noeviction: boolean;
  readonly version: string;
}

/** Longest pause between two attempts to connect again, in milliseconds. */
const RETRY_MAX_MS = 1_000;

/** Options of connections that wait for Redis as long as it takes. BullMQ demands it of its workers. */
export const PATIENT: RedisOptions = {
  retryStrategy: (times) => Math.min(times * 100, RETRY_MAX_MS),
  connectTimeout: ANSWER_WITHIN_MS,
  keepAlive: 10_000,
  maxRetriesPerRequest: null,
};

const FAIL_FAST: RedisOptions = {
  ...PATIENT,
  // Commands under way when the connection breaks fail then, and new ones at once.
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  commandTimeout: ANSWER_WITHIN_MS,
  // A subscription that cannot be renewed would be an unhandled rejection; topic.ts renews them itself.
  autoResubscribe: false,
  // What is asked in one turn of the event loop goes out in one write.
  enableAutoPipelining: true,
};

/** Opens a connection whose commands fail fast. One log line when it is lost, one when it is back. */
export function connectRedis(url: string, user: RedisUser, options: Partial<RedisOptions> = {}): RedisConnection {
  const client = openRedis(url, { ...FAIL_FAST, ...options }, user);
  const first = new Promise<void>((resolve) => client.once("ready", () => resolve()));
  let waiting: Promise<void> | undefined;
  let was_ready = false;
  // All callers share one wait, so that an outage at the start piles nothing up.
  const ready = () => {
    waiting ??= withinDeadline(user.part, () => first)
      .then(() => {
        was_ready = true;
      })
      .finally(() => {
        waiting = undefined;
      });
    return waiting;
  };
  return {
    client,
    async run(command) {
      if (!was_ready) await ready();
      return withinDeadline(user.part, () => command(client)).catch((thrown: unknown) => {
        throw toRedisError(thrown, user.part);
      });
    },
    async close() {
      if (client.status === "ready") await withinDeadline(user.part, () => client.quit()).catch(() => undefined);
      client.disconnect();
    },
  };
}

/** Opens a connection that logs one line when it is lost and one when it is back, and never throws by an event. */
function openRedis(url: string, options: RedisOptions, { part, log }: RedisUser): Redis {
  const client = new Redis(url, options);
  let lost = false;
  let reason = "closed";
  client.on("error", (error: Error) => {
    reason = error.message;
  });
  client.on("reconnecting", () => {
    if (!lost) log.warn({ part, reason }, "the connection to Redis is lost");
    lost = true;
  });
  client.on("ready", () => {
    if (lost) log.info({ part }, "the connection to Redis is back");
    lost = false;
    reason = "closed";
  });
  return client;
}

// Answers of a server that is there but cannot serve now. Source: redis 7, src/server.c (shared.*err) and cluster.c.
// Before Redis 7 those of scripts stand within another error.
const NOT_NOW = /(?:^|[\s:-]-?)(LOADING|MISCONF|OOM|READONLY|BUSY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN)\b/;

/** What a command of ioredis threw: a mistake of ours stays what it is, all else means that Redis cannot be had. */
export function toRedisError(thrown: unknown, part: string): unknown {
  if (thrown instanceof OpsError || !(thrown instanceof Error)) return thrown;
  if (thrown instanceof TypeError || thrown instanceof RangeError) return thrown;
  if (thrown.name === "ReplyError" && !NOT_NOW.test(thrown.message)) return thrown;
  return unavailable(`${part}: Redis cannot be reached: ${thrown.message}`, thrown);
}

/**
 * Asks a Redis whether it is fit to hold work.
 * @throws OpsError `unavailable` when it does not answer within 2 s
 */
export async function checkRedis(url: string): Promise<RedisFacts> {
  const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
  const connection = connectRedis(url, { part: "redis", log: silent });
  try {
    const info = await connection.run((client) => client.info());
    const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
    return {
      aof: field("aof_enabled") === "1",
      noeviction: field("maxmemory_policy") === "noeviction",
      version: field("redis_version"),
    };
  } finally {
    await connection.close();
  }
}
