import type { Redis } from "ioredis";
import type { Backlog } from "./store.ts";

/** BullMQ's key for a part of the queue: a job's id, or one of its lists. */
export type KeyOf = (rest: string) => string;

/** Jobs whose size is looked at, spread over those that wait. */
const SAMPLE = 32;

/**
 * What has not ended. Where each state is kept: wait and active are lists, new jobs at their left; delayed is a sorted set. Source: bullmq 6.7,
 * classes/queue-keys.js and commands/includes/addJobInTargetList.lua.
 */
export async function readBacklog(client: Redis, keyOf: KeyOf): Promise<Backlog> {
  const [waiting, active, delayed, memory] = await Promise.all([
    client.llen(keyOf("wait")),
    client.llen(keyOf("active")),
    client.zcard(keyOf("delayed")),
    client.info("memory"),
  ]);
  const step = Math.max(1, waiting / SAMPLE);
  const places = Array.from({ length: Math.min(SAMPLE, waiting) }, (_, at) => Math.floor(at * step));
  const [held, delays, sampled] = await Promise.all([
    client.lrange(keyOf("active"), "0", "-1"),
    client.zrange(keyOf("delayed"), "0", "-1"),
    Promise.all([-1, ...places].map((place) => client.lindex(keyOf("wait"), String(place)))),
  ]);
  const [last, ...some] = sampled;
  const old = [...held, ...delays, ...(last == null ? [] : [last])];
  const added = await Promise.all(old.map((id) => client.hget(keyOf(id), "timestamp")));
  const sizes = await Promise.all(some.map((id) => (id === null ? 0 : client.hstrlen(keyOf(id), "data"))));
  const times = added.flatMap((time) => (time === null ? [] : [Number(time)]));
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, sizes.length);
  const jobs = waiting + active + delayed;
  return { jobs, oldest_at: times.length === 0 ? null : Math.min(...times), bytes: Math.round(size * jobs), fullness: fullnessOf(memory) };
}

/** Source: https://redis.io/docs/latest/commands/info/, section memory. */
function fullnessOf(memory: string): number {
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(memory)?.[1] ?? 0);
  const max = field("maxmemory");
  return max === 0 ? 0 : field("used_memory") / max;
}

/** @param run runs commands, and throws where Redis is away */
export async function* readContents(
  run: <T>(work: (client: Redis) => Promise<T>) => Promise<T>,
  keyOf: KeyOf,
  at_a_time: number,
): AsyncIterable<readonly string[]> {
  // From where jobs come to where they go, so that one that moves meanwhile is met again rather than missed.
  for (let from = 0; ; from += at_a_time) {
    const ids = await run((client) => client.lrange(keyOf("wait"), from, from + at_a_time - 1));
    if (ids.length === 0) break;
    yield await run((client) => contentsOf(client, keyOf, ids));
  }
  const rest = await run(async (client) => [
    ...(await client.zrange(keyOf("delayed"), "0", "-1")),
    ...(await client.lrange(keyOf("active"), "0", "-1")),
  ]);
  for (let from = 0; from < rest.length; from += at_a_time)
    yield await run((client) => contentsOf(client, keyOf, rest.slice(from, from + at_a_time)));
}

async function contentsOf(client: Redis, keyOf: KeyOf, ids: readonly string[]): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => client.hget(keyOf(id), "data")));
  return found.filter((data) => data !== null);
}
