import type { ChainableCommander, Redis } from "ioredis";
import { unavailable } from "../deadline.ts";
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
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const found = await readOnce(client, keyOf);
    // Those that were looked at may all have gone meanwhile, and say nothing of the others.
    if (found.jobs === 0 || found.oldest_at !== null) return found;
  }
  throw unavailable("the queue moves too fast to be looked at");
}

const TRIES = 5;

async function readOnce(client: Redis, keyOf: KeyOf): Promise<Backlog> {
  const [wait, active, delayed] = [keyOf("wait"), keyOf("active"), keyOf("delayed")];
  const [waiting = 0, held = [], delays = [], last = null, memory = ""] = await answers<
    [number, string[], string[], string | null, string]
  >(client.pipeline().llen(wait).lrange(active, "0", "-1").zrange(delayed, "0", "-1").lindex(wait, "-1").info("memory"));
  const jobs = waiting + held.length + delays.length;
  if (jobs === 0) return { jobs, oldest_at: null, bytes: 0, fullness: fullnessOf(memory) };
  const step = Math.max(1, waiting / SAMPLE);
  const places = Array.from({ length: Math.min(SAMPLE, waiting) }, (_, at) => String(Math.floor(at * step)));
  const sampled = await answers<string[]>(places.reduce((pipeline, place) => pipeline.lindex(wait, place), client.pipeline()));
  const some = [...new Set([...sampled, ...held.slice(0, SAMPLE)])].filter((id) => id !== null);
  // The oldest is the last, but for one that was tried before and came back.
  const old = [...held, ...delays, ...some, ...(last === null ? [] : [last])];
  const times = await answers<(string | null)[]>(old.reduce((pipeline, id) => pipeline.hget(keyOf(id), "timestamp"), client.pipeline()));
  const sizes = await answers<number[]>(some.reduce((pipeline, id) => pipeline.hstrlen(keyOf(id), "data"), client.pipeline()));
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, sizes.length);
  const added = times.flatMap((time) => (time === null ? [] : [Number(time)]));
  const oldest_at = added.length === 0 ? null : Math.min(...added);
  return { jobs, oldest_at, bytes: Math.round(size * jobs), fullness: fullnessOf(memory) };
}

/** What the commands of a pipeline answered. @throws the first of their errors */
async function answers<T extends readonly unknown[]>(pipeline: ChainableCommander): Promise<T> {
  const replies = (await pipeline.exec()) ?? [];
  const failed = replies.find(([error]) => error !== null);
  if (failed?.[0]) throw failed[0];
  return replies.map(([, reply]) => reply) as unknown as T;
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
  const [delayed = [], active = []] = await run((client) =>
    answers<[string[], string[]]>(client.pipeline().zrange(keyOf("delayed"), "0", "-1").lrange(keyOf("active"), "0", "-1")),
  );
  const rest = [...delayed, ...active];
  for (let from = 0; from < rest.length; from += at_a_time)
    yield await run((client) => contentsOf(client, keyOf, rest.slice(from, from + at_a_time)));
}

async function contentsOf(client: Redis, keyOf: KeyOf, ids: readonly string[]): Promise<string[]> {
  const asked = ids.reduce((pipeline, id) => pipeline.hget(keyOf(id), "data"), client.pipeline());
  return (await answers<(string | null)[]>(asked)).filter((data) => data !== null);
}
