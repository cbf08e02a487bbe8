import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Budget, Ephemeral } from "../../core/ports.ts";

/** A store of small things, which can be taken away and given back. */
export interface EphemeralStage {
  /** Another connection to the same store, as another process would have it. */
  open(): Ephemeral;
  /** How many buckets a budget's window takes in the store. */
  buckets(budget: Budget): Promise<number>;
  /** Moves all that was booked into the future, as if the clock had been set back. */
  setClockBack(budget: Budget, ms: number): Promise<void>;
  cut(): Promise<void>;
  mend(): Promise<void>;
  freeze(): void;
  thaw(): void;
  end(): Promise<void>;
}

/** A booking, and the times between which it was made. */
interface Grant {
  readonly from: number;
  readonly to: number;
}

/** What the port Ephemeral promises, whatever keeps the things. */
export function ephemeralContract(setUp: () => Promise<EphemeralStage>): void {
  let stage: EphemeralStage;
  let one: Ephemeral;
  let other: Ephemeral;
  const comesTo = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 20 });

  beforeEach(async () => {
    stage = await setUp();
    one = stage.open();
    other = stage.open();
  });
  afterEach(async () => {
    stage.thaw();
    await Promise.all([one.close(), other.close()]);
    await stage.end();
  });

  describe("values", () => {
    it("keeps a value for every process, and replaces it", async () => {
      await one.put("k", { step: 1 }, 60_000);
      await one.put("k", { step: 2 }, 60_000);
      expect(await other.get("k")).toEqual({ step: 2 });
      expect(await other.get("nothing")).toBeUndefined();
    });

    it.each([[null], [false], [""], [[]], [{ b: 1, a: { text: "a\u0000b \ud800 \u{1f600} \\u0000 '\"" } }]])(
      "gives back %j as it was",
      async (value) => {
        await one.put("k", value, 60_000);
        expect(JSON.stringify(await other.get("k"))).toBe(JSON.stringify(value));
        expect(JSON.stringify(await other.take("k"))).toBe(JSON.stringify(value));
      },
    );

    it("gives a value to one of many takers", async () => {
      await one.put("k", "the one", 60_000);
      const taken = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? one : other).take("k")));
      expect(taken.filter((value) => value !== undefined)).toEqual(["the one"]);
      expect(await one.get("k")).toBeUndefined();
    });

    it("forgets a value when its time is over", async () => {
      await one.put("read", 1, 50);
      await one.put("taken", 1, 50);
      await comesTo(async () => expect(await other.get("read")).toBeUndefined());
      await comesTo(async () => expect(await other.get("taken")).toBeUndefined());
      expect(await other.take("taken")).toBeUndefined();
    });
  });

  describe("counters", () => {
    it("counts every call once, over processes", async () => {
      const counts = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? one : other).count("k", 60_000)));
      expect(counts.map(({ count }) => count).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      for (const { resets_in_ms } of counts) {
        expect(resets_in_ms).toBeGreaterThan(30_000);
        expect(resets_in_ms).toBeLessThanOrEqual(60_000);
      }
    });

    it("counts what has an id once, and tells it the number it got", async () => {
      expect(await one.count("k", 60_000, "a")).toMatchObject({ count: 1 });
      expect(await other.count("k", 60_000, "b")).toMatchObject({ count: 2 });
      expect(await other.count("k", 60_000)).toMatchObject({ count: 3 });
      const again = await other.count("k", 60_000, "a");
      expect(again.count).toBe(1);
      expect(again.resets_in_ms).toBeGreaterThan(30_000);
      expect(await one.count("k", 60_000, "c")).toMatchObject({ count: 4 });
      expect(await one.count("another", 60_000, "a")).toMatchObject({ count: 1 });
    });

    it("counts what has an id once more when the time of its count is over", async () => {
      expect(await one.count("k", 200)).toMatchObject({ count: 1 });
      expect(await one.count("k", 200, "a")).toMatchObject({ count: 2 });
      await comesTo(async () => expect(await other.count("k", 200, "a")).toMatchObject({ count: 1 }));
    });

    it("ends a count its time after the first call, whatever came later", async () => {
      expect(await one.count("k", 200)).toMatchObject({ count: 1 });
      expect(await one.count("k", 60_000)).toMatchObject({ count: 2 });
      await comesTo(async () => expect(await other.count("k", 200)).toMatchObject({ count: 1 }));
    });

    it("keeps values, counters and budgets of one name apart", async () => {
      await one.put("k", "value", 60_000);
      expect((await one.count("k", 60_000)).count).toBe(1);
      expect(await one.reserve([{ key: "k", limit: 1, window_ms: 60_000 }])).toBe(0);
      expect(await one.get("k")).toBe("value");
    });
  });

  describe("budgets", () => {
    const minute = (key: string, limit: number): Budget => ({ key, limit, window_ms: 60_000 });

    it("books all budgets or none", async () => {
      expect(await one.reserve([])).toBe(0);
      expect(await one.reserve([minute("tight", 1), minute("wide", 2)])).toBe(0);
      const wait_ms = await other.reserve([minute("wide", 2), minute("tight", 1)]);
      expect(wait_ms).toBeGreaterThan(30_000);
      expect(wait_ms).toBeLessThanOrEqual(60_600);
      expect(await other.reserve([minute("wide", 2)])).toBe(0);
      expect(await one.reserve([minute("wide", 2)])).toBeGreaterThan(0);
    });

    it("says of each budget how long it is to be waited for", async () => {
      const budgets = [minute("wide", 2), minute("tight", 1), { ...minute("wide", 2), window_ms: 50_000 }];
      expect(await one.book(budgets)).toEqual([0, 0, 0]);
      const [wide, tight, shorter] = await other.book(budgets);
      expect([wide, shorter]).toEqual([0, 0]);
      expect(tight).toBeGreaterThan(30_000);
      expect(await other.book([minute("wide", 2)])).toEqual([0]);
      const [full = 0, stillTight = 0] = await one.book([minute("wide", 2), minute("tight", 1)]);
      expect(Math.min(full, stillTight)).toBeGreaterThan(30_000);
      expect(await one.book([])).toEqual([]);
    });

    it("holds one key to several windows, and to the strictest limit of one window", async () => {
      expect(await one.reserve([minute("k", 3), { key: "k", limit: 1, window_ms: 50 }])).toBe(0);
      await comesTo(async () => expect(await one.reserve([minute("k", 3), { key: "k", limit: 1, window_ms: 50 }])).toBe(0));
      expect(await one.reserve([minute("k", 3), minute("k", 2)])).toBeGreaterThan(30_000);
      await expect(one.reserve([minute("k", 0)])).rejects.toThrow(RangeError);
    });

    it("never lets more through than any window allows, and lets everybody through", { timeout: 90_000 }, async () => {
      const all: Budget = { key: "all", limit: 12, window_ms: 200 };
      const chats = ["a", "b", "c"].map((key): Budget => ({ key, limit: 3, window_ms: 100 }));
      const grants = new Map<Budget, Grant[]>([all, ...chats].map((budget) => [budget, []]));
      const callers = Array.from({ length: 18 }, (_, index) => ({ port: index % 2 ? one : other, chat: chats[index % 3] ?? all }));
      await Promise.all(
        callers.map(async ({ port, chat }) => {
          for (const grant of await book(port, [all, chat], 6)) for (const budget of [all, chat]) grants.get(budget)?.push(grant);
        }),
      );
      expect(grants.get(all)).toHaveLength(108);
      for (const [budget, log] of grants) expect(breaches(log, budget)).toEqual([]);
    });

    it("can be closed for a while, for every process, where they may be", async () => {
      const closable: Budget = { ...minute("closable", 9), closable: true };
      expect(await one.book([minute("open", 9), closable])).toEqual([0, 0]);
      await one.shut("closable", 30_000);
      await one.shut("closable", 50);
      const [open, closed = 0] = await other.book([minute("open", 9), closable]);
      expect(open).toBe(0);
      expect(closed).toBeGreaterThan(20_000);
      expect(closed).toBeLessThanOrEqual(30_000);
      expect(await other.book([{ ...closable, closable: false }])).toEqual([0]);
      await one.shut("soon", 50);
      await comesTo(async () => expect(await other.reserve([{ ...closable, key: "soon" }])).toBe(0));
      // What was refused was not booked, in none of them.
      expect(await one.reserve([minute("open", 2)])).toBe(0);
      expect(await one.reserve([minute("open", 2)])).toBeGreaterThan(0);
    });

    it("takes no more room than 100 buckets and one, whatever the limit", async () => {
      const budget: Budget = { key: "k", limit: 1_000_000, window_ms: 200 };
      const end = Date.now() + 3 * budget.window_ms;
      while (Date.now() < end) await Promise.all([one.reserve([budget]), other.reserve([budget])]);
      expect(await stage.buckets(budget)).toBeLessThanOrEqual(101);
    });

    it("recovers within a window when the clock was set back", async () => {
      const budget: Budget = { key: "k", limit: 1, window_ms: 300 };
      expect(await one.reserve([budget])).toBe(0);
      await stage.setClockBack(budget, 3_600_000);
      const wait_ms = await one.reserve([budget]);
      expect(wait_ms).toBeGreaterThan(0);
      expect(wait_ms).toBeLessThanOrEqual(303);
    });
  });

  describe("an outage", () => {
    const everything = () => [
      one.put("k", 1, 1_000),
      one.get("k"),
      one.take("k"),
      one.count("k", 1_000),
      one.reserve([{ key: "k", limit: 9, window_ms: 1_000 }]),
    ];

    it("refuses while the store is away, and works again when it is back", async () => {
      await one.put("kept", 1, 60_000);
      await stage.cut();
      // All are waited for at once: a rejection that nobody waits for yet would count as unhandled.
      await Promise.all(everything().map((refused) => expect(refused).rejects.toMatchObject({ code: "unavailable" })));
      await stage.mend();
      await comesTo(async () => expect(await one.get("kept")).toBe(1));
      await Promise.all(everything());
    });

    it("refuses while the store is deaf, and works again afterwards", async () => {
      await one.put("kept", 1, 60_000);
      stage.freeze();
      const refusals = await Promise.allSettled(everything());
      expect(refusals.map((refusal) => refusal.status === "rejected" && refusal.reason.code)).toEqual(Array(5).fill("unavailable"));
      stage.thaw();
      await comesTo(async () => expect(await one.get("kept")).toBe(1));
    });
  });
}

/** Asks again until so many calls are booked, waiting as it is told. */
async function book(port: Ephemeral, budgets: readonly Budget[], wanted: number): Promise<Grant[]> {
  const grants: Grant[] = [];
  while (grants.length < wanted) {
    const from = Date.now();
    const wait_ms = await port.reserve(budgets);
    if (wait_ms > 0) await sleep(wait_ms);
    else grants.push({ from, to: Date.now() });
  }
  return grants;
}

/** Runs of one more grant than the limit which surely were made within one window. */
function breaches(log: readonly Grant[], { limit, window_ms }: Budget): Grant[] {
  const sorted = [...log].sort((a, b) => a.from - b.from);
  return sorted.filter((first, index) => {
    const together = sorted.slice(index, index + limit + 1);
    return together.length > limit && Math.max(...together.map(({ to }) => to)) - first.from <= window_ms;
  });
}
