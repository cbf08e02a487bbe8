import type { Ephemeral } from "../../core/ports.ts";
import type { TestClock } from "./clock.ts";

/** Small things in memory, whose time is the test's. Budgets are not counted. */
export function createMemoryEphemeral(clock: TestClock): Ephemeral {
  const values = new Map<string, { json: string; until: number }>();
  const counters = new Map<string, { count: number; until: number }>();
  const counted = new Map<string, number>();
  const read = (key: string): unknown => {
    const found = values.get(key);
    return found && found.until > clock.ms() ? JSON.parse(found.json) : undefined;
  };
  return {
    put: async (key, value, ttl_ms) => void values.set(key, { json: JSON.stringify(value), until: clock.ms() + ttl_ms }),
    get: async (key) => read(key),
    async take(key) {
      const value = read(key);
      values.delete(key);
      return value;
    },
    async count(key, ttl_ms, id) {
      const found = counters.get(key);
      const current = found && found.until > clock.ms() ? found : { count: 0, until: clock.ms() + ttl_ms };
      // A time that is over has forgotten its ids.
      const once = `${key} ${current.until} ${id}`;
      const before = id === undefined ? undefined : counted.get(once);
      if (before !== undefined) return { count: before, resets_in_ms: current.until - clock.ms() };
      const next = { ...current, count: current.count + 1 };
      counters.set(key, next);
      counted.set(once, next.count);
      return { count: next.count, resets_in_ms: next.until - clock.ms() };
    },
    reserve: async () => 0,
    book: async (budgets) => budgets.map(() => 0),
    shut: async () => {},
    close: async () => {},
  };
}
