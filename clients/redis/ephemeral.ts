import type { Redis } from "ioredis";
import type { Budget, Ephemeral } from "../../core/ports.ts";
import { toWaits, toWindows, wholeMs } from "../postgres/ephemeral.ts";
import { connectRedis, type RedisUser } from "./connection.ts";

/** Where and for whom. */
export interface RedisEphemeralDeps extends Omit<RedisUser, "part"> {
  readonly url: string;
}

const key = (kind: "value" | "count" | "counted" | "budget" | "closed", name: string) => `switchboard:${kind}:${name}`;

// KEYS: the counter and, where what is counted has an id, what keeps the number that it got.
const COUNT = `
  local counted = KEYS[2] and redis.call("GET", KEYS[2])
  if counted then return { tonumber(counted), redis.call("PTTL", KEYS[1]) } end
  local count = redis.call("INCR", KEYS[1])
  if count == 1 then redis.call("PEXPIRE", KEYS[1], ARGV[1]) end
  local left = redis.call("PTTL", KEYS[1])
  if KEYS[2] and left > 0 then redis.call("SET", KEYS[2], count, "PX", left) end
  return { count, left }`;

// A sliding window in at most 101 buckets per budget: field = number of the bucket, value = calls booked in it. A call counts
// until its whole bucket has left the window, so a booked call is never forgotten early, whatever its place in the bucket.
// A bucket from the future, after the clock was set back, counts as made now. ARGV: how many budgets, and of each its limit, window and
// bucket width; KEYS: the budgets, then what closes them; ARGV ends with which budget each of those closes.
const RESERVE = `
  local time = redis.call("TIME")
  local now = time[1] * 1000 + time[2] / 1000
  local waits, full, budgets = {}, false, tonumber(ARGV[1])
  for i = 1, budgets do
    local key, limit, window, width = KEYS[i], tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
    local flat, counting = redis.call("HGETALL", key), {}
    for j = 1, #flat, 2 do
      local bucket = math.min(tonumber(flat[j]), math.floor(now / width))
      local leaves = (bucket + 1) * width + window
      if leaves > now then
        table.insert(counting, { leaves, tonumber(flat[j + 1]) })
      else
        redis.call("HDEL", key, flat[j])
      end
    end
    table.sort(counting, function(a, b) return a[1] > b[1] end)
    local calls = 0
    waits[i] = 0
    for _, entry in ipairs(counting) do
      calls = calls + entry[2]
      if calls >= limit then
        waits[i] = math.ceil(entry[1] - now)
        full = true
        break
      end
    end
  end
  for door = 1, #KEYS - budgets do
    local left, i = redis.call("PTTL", KEYS[budgets + door]), tonumber(ARGV[3 * budgets + 1 + door])
    if left > 0 then
      waits[i] = math.max(waits[i], left)
      full = true
    end
  end
  if full then return waits end
  for i = 1, budgets do
    local key, window, width = KEYS[i], tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
    redis.call("HINCRBY", key, string.format("%.0f", math.floor(now / width)), 1)
    redis.call("PEXPIRE", key, window + 2 * width)
  end
  return waits`;

const SHUT = `
  if redis.call("PTTL", KEYS[1]) < tonumber(ARGV[1]) then redis.call("SET", KEYS[1], "1", "PX", ARGV[1]) end
  return 0`;

/**
 * Small things in Redis. Every method throws OpsError `unavailable` within 2 s when Redis is away. It opens its own connection.
 * Values, counters and budgets have separate names, so one key may serve for all three.
 */
export function createRedisEphemeral({ url, log }: RedisEphemeralDeps): Ephemeral {
  const redis = connectRedis(url, { part: "ephemeral", log });
  const count = defineScript(redis.client, "switchboardCount", COUNT);
  const reserve = defineScript(redis.client, "switchboardReserve", RESERVE);
  const shut = defineScript(redis.client, "switchboardShut", SHUT);
  const book = async (budgets: readonly Budget[]): Promise<readonly number[]> => {
    const rules = toWindows(budgets);
    if (rules.length === 0) return [];
    const numbers = rules.flatMap(({ limit, window_ms, width_ms }) => [limit, window_ms, width_ms]);
    const doors = rules.flatMap(({ door }, index) => (door === null ? [] : [{ key: key("closed", door), of: index + 1 }]));
    const keys = [...rules.map((rule) => key("budget", rule.key)), ...doors.map((door) => door.key)];
    const waits = await redis.run(() => reserve(keys, [rules.length, ...numbers, ...doors.map((door) => door.of)]));
    return toWaits(budgets, rules, waits as number[]);
  };
  const parse = (text: string | null): unknown => (text === null ? undefined : JSON.parse(text));
  return {
    async put(name, value, ttl_ms) {
      const text = JSON.stringify(value);
      await redis.run((client) => client.set(key("value", name), text, "PX", wholeMs(ttl_ms)));
    },
    get: async (name) => parse(await redis.run((client) => client.get(key("value", name)))),
    take: async (name) => parse(await redis.run((client) => client.getdel(key("value", name)))),
    async count(name, ttl_ms, id) {
      const keys = [key("count", name), ...(id === undefined ? [] : [key("counted", `${name}:${id}`)])];
      const [total, left] = (await redis.run(() => count(keys, [wholeMs(ttl_ms)]))) as [number, number];
      return { count: total, resets_in_ms: Math.max(0, left) };
    },
    book,
    reserve: async (budgets) => Math.max(0, ...(await book(budgets))),
    async shut(name, for_ms) {
      await redis.run(() => shut([key("closed", name)], [wholeMs(for_ms)]));
    },
    close: () => redis.close(),
  };
}

type Script = (keys: readonly string[], values: readonly number[]) => Promise<unknown>;

// ioredis sends the text only when the server does not know it yet, but gives the command no type.
function defineScript(client: Redis, name: string, lua: string): Script {
  client.defineCommand(name, { lua });
  const commands = client as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>;
  return async (keys, values) => commands[name]?.(keys.length, ...keys, ...values);
}
