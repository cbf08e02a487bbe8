import { describe, expect, it } from "vitest";
import { cloudflareBudget, cloudflareBudgets } from "../../../clients/cloudflare/budgets.ts";
import type { EdgeLane } from "../../../core/edge.ts";
import { OpsError } from "../../../core/errors.ts";
import type { Budget } from "../../../core/ports.ts";
import { createWindow, type Window } from "../../../sandbox/window.ts";
import { CALL, refusalOf, startFake, ZONE } from "./fake.ts";

const TOKEN = "cf-secret-token-0123456789";
const RATE = { limit: 10, window_ms: 60_000 };
const gone = { scope: ZONE, rule_id: "rule-404" } as const;
const inLane = (lane: EdgeLane) => ({ ...CALL, lane });

/** Budgets as `Ephemeral` counts and closes them, on the process's clock. */
function createBudgets() {
  const closed = new Map<string, number>();
  const windows = new Map<string, Window>();
  const windowOf = (budget: Budget) => {
    const window = windows.get(budget.key) ?? createWindow(budget);
    windows.set(budget.key, window);
    return window;
  };
  const reserve = async (budgets: readonly Budget[]) => {
    const now = performance.now();
    const doors = budgets.filter(({ closable }) => closable).map(({ key }) => (closed.get(key) ?? now) - now);
    const wait = Math.max(...doors, ...budgets.map((budget) => windowOf(budget).wait(now)));
    if (wait === 0) for (const budget of budgets) windowOf(budget).count(now);
    return wait;
  };
  return { reserve, shut: async (key: string, for_ms: number) => void closed.set(key, performance.now() + for_ms) };
}

describe("the budget of a token", () => {
  it("has a key that says nothing of it, and shares within shares", () => {
    const of = (lane: EdgeLane) => cloudflareBudgets(TOKEN, { limit: 1_200, window_ms: 300_000 }, lane);
    expect(of("interactive")).toEqual([
      { key: expect.stringMatching(/^cloudflare:[0-9a-f]{16}$/), limit: 1_200, window_ms: 300_500, closable: true },
    ]);
    expect(of("bulk").map(({ limit }) => limit)).toEqual([1_200, 960]);
    expect(of("background").map(({ limit }) => limit)).toEqual([1_200, 960, 600]);
    expect(of("background").slice(0, 2)).toEqual(of("bulk"));
    expect(JSON.stringify(of("background"))).not.toContain("secret");
    expect(cloudflareBudgets("another", RATE, "bulk")[0]?.key).not.toBe(of("bulk")[0]?.key);
  });

  it("lets somebody who waits through when long lists have used their share up", async () => {
    const budget = cloudflareBudget(createBudgets(), TOKEN, RATE);
    const { cloudflare, edge } = await startFake(budget);
    const ask = async (lane: EdgeLane) => edge.get(gone, inLane(lane)).catch((thrown: OpsError) => thrown.code);
    const asked = async (lane: EdgeLane, times: number) => {
      const outcomes: unknown[] = [];
      for (let count = 0; count < times; count++) outcomes.push(await ask(lane));
      return outcomes;
    };
    expect(await asked("background", 6)).toEqual([...Array(5).fill(null), "rate_limited"]);
    expect(await asked("bulk", 4)).toEqual([...Array(3).fill(null), "rate_limited"]);
    expect(await asked("background", 1)).toEqual(["rate_limited"]);
    expect(await asked("interactive", 3)).toEqual([null, null, "rate_limited"]);
    expect(cloudflare.calls).toHaveLength(10);
  });

  it("counts the SDK's own tries too; one that changed something may have been carried out", async () => {
    const { cloudflare, edge } = await startFake(cloudflareBudget(createBudgets(), TOKEN, { ...RATE, limit: 2 }));
    cloudflare.fail({ status: 500 }, { status: 500 });
    const error = await refusalOf(edge.block({ scope: ZONE, network: "203.0.113.7", notes: "Switchboard run 1" }, CALL));
    expect(error).toMatchObject({ code: "outcome_unknown" });
    expect(error.retry_after_ms).toBeGreaterThan(50_000);
    expect(cloudflare.calls).toEqual(["POST", "POST"]);
  });

  it("that cannot be asked lets no call through", async () => {
    const { cloudflare, edge } = await startFake({ reserve: () => Promise.reject(new OpsError("unavailable", "no answer")) });
    expect(await refusalOf(edge.get(gone, CALL))).toMatchObject({ code: "unavailable" });
    expect(cloudflare.calls).toEqual([]);
  });

  it("is waited for a moment, and not by who has been told to stop", async () => {
    let waits = [40, 40, 0];
    const { cloudflare, edge } = await startFake({ reserve: async () => waits.shift() ?? 1_999 });
    expect(await edge.get(gone, CALL)).toBeNull();
    const stop = new AbortController();
    waits = [];
    const work = refusalOf(edge.get(gone, { ...CALL, signal: stop.signal }));
    stop.abort();
    expect(await work).toMatchObject({ code: "upstream_unavailable" });
    expect(cloudflare.calls).toEqual(["GET"]);
  });

  it("goes to somebody who waits first: a long list stands back", async () => {
    const order: EdgeLane[] = [];
    let waits = () => {};
    const waiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const answers = [60];
    const reserve = async (lane: EdgeLane) => {
      waits();
      const wait = answers.shift() ?? 0;
      if (wait === 0) order.push(lane);
      return wait;
    };
    const { edge } = await startFake({ reserve });
    const person = edge.get(gone, inLane("interactive"));
    await waiting;
    const bulk = Array.from({ length: 5 }, () => edge.get(gone, inLane("bulk")));
    await Promise.all([person, ...bulk]);
    expect(order[0]).toBe("interactive");
    expect(order).toHaveLength(6);
  });
});

describe("when Cloudflare says to wait", () => {
  it.each([429, 503])("with %d, nobody in this process asks until then, whoever they are", async (status) => {
    let now = 0;
    const { cloudflare, edge } = await startFake({ ticks: () => now });
    cloudflare.fail({ status, headers: { "retry-after": "300" } });
    const code = status === 429 ? "rate_limited" : "upstream_unavailable";
    expect(await refusalOf(edge.get(gone, inLane("background")))).toMatchObject({ code, retry_after_ms: 300_000 });
    now = 100_000;
    for (const lane of ["interactive", "bulk"] as const) {
      const error = await refusalOf(edge.get(gone, inLane(lane)));
      expect(error.code).toBe("rate_limited");
      expect(error.retry_after_ms).toBeGreaterThanOrEqual(200_000);
      expect(error.retry_after_ms).toBeLessThanOrEqual(240_000);
    }
    expect(cloudflare.calls).toEqual(["GET"]);
    now = 300_000;
    expect(await edge.get(gone, CALL)).toBeNull();
  });

  it("nobody in another process asks either", async () => {
    const budgets = createBudgets();
    const { cloudflare, edge, edgeWith } = await startFake(cloudflareBudget(budgets, TOKEN, RATE));
    const other = edgeWith(cloudflareBudget(budgets, TOKEN, RATE));
    expect(await other.get(gone, CALL)).toBeNull();
    cloudflare.fail({ status: 429, headers: { "retry-after": "300" } });
    expect(await refusalOf(edge.get(gone, inLane("background")))).toMatchObject({ code: "rate_limited" });
    const error = await refusalOf(other.get(gone, CALL));
    expect(error.code).toBe("rate_limited");
    expect(error.retry_after_ms).toBeGreaterThan(280_000);
    expect(cloudflare.calls).toEqual(["GET", "GET"]);
  });

  it("and the others cannot be told, this process stays away all the same", async () => {
    const { cloudflare, edge } = await startFake({ shut: () => Promise.reject(new OpsError("unavailable", "no answer")) });
    cloudflare.fail({ status: 429, headers: { "retry-after": "300" } });
    for (const _ of [1, 2]) expect(await refusalOf(edge.get(gone, CALL))).toMatchObject({ code: "rate_limited" });
    expect(cloudflare.calls).toEqual(["GET"]);
  });

  it("until a date, or for longer than it ever does: it is asked again in a quarter of an hour", async () => {
    let now = 0;
    const { cloudflare, edge } = await startFake({ ticks: () => now });
    cloudflare.fail({ status: 429, headers: { "retry-after": new Date(Date.now() + 86_400_000).toUTCString() } });
    expect((await refusalOf(edge.get(gone, CALL))).retry_after_ms).toBeGreaterThan(80_000_000);
    expect((await refusalOf(edge.get(gone, CALL))).retry_after_ms).toBeLessThanOrEqual(1_080_000);
    now = 900_000;
    expect(await edge.get(gone, CALL)).toBeNull();
  });

  it.each([{}, { "retry-after": "soon" }])("without a time (%j), that one call has failed", async (headers) => {
    const { cloudflare, edge } = await startFake();
    cloudflare.fail({ status: 429, headers });
    expect(await refusalOf(edge.get(gone, CALL))).toMatchObject({ code: "rate_limited", retry_after_ms: undefined });
    expect(await edge.get(gone, CALL)).toBeNull();
    expect(cloudflare.calls).toEqual(["GET", "GET"]);
  });
});
