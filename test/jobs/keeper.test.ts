import { describe, expect, it, vi } from "vitest";
import { OpsError } from "../../core/errors.ts";
import type { BlockWish, Reconciler } from "../../core/ledger.ts";
import { keepRound, startKeeper } from "../../jobs/blocks/keeper.ts";
import { pause } from "../../jobs/pause.ts";
import { breakable } from "../support/breakable.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryEdge, ZONE } from "../support/memory-edge.ts";
import { createMemoryLedger } from "../support/memory-ledger.ts";
import { createMemoryLog } from "../support/memory-log.ts";

const IP = "203.0.113.7";
const HOUR = 3_600_000;
/** Longer than any test takes. */
const PATIENCE_MS = 60_000;
const call = { lane: "interactive", signal: new AbortController().signal } as const;

/** A reconciler whose reading goes on until it is told to stop. */
function createSlowReconciler() {
  const reading = { begun: 0, open: 0 };
  const refresh: Reconciler["refresh"] = async (_max_age_ms, signal) => {
    reading.begun++;
    reading.open++;
    await pause(PATIENCE_MS, signal);
    reading.open--;
    throw new OpsError("timeout", "stopped");
  };
  return { reading, refresh };
}

/** A keeper over ports in memory, by the lease of a process that may lose it. */
function desk({ refresh }: Pick<Reconciler, "refresh">) {
  const clock = createTestClock();
  const [edge, ledger, log] = [createMemoryEdge(clock), createMemoryLedger(clock), createMemoryLog()];
  const lease = { held: true, taken: 0 };
  const leases = {
    lease: async () => {
      lease.taken++;
      lease.held = true;
      return { held: () => lease.held, release: async () => undefined };
    },
  };
  const keeper = startKeeper({ edge, ledger, reconciler: { refresh }, leases, audit: { append: async () => undefined }, log });
  const blocksForAnHour = async () => {
    const more = { run_id: "run-1", identity: "telegram:1002", person_id: "p-2", reason: null, mark: "mark", for_ms: HOUR };
    const wish: BlockWish = { ...more, places: [{ scope: ZONE, network: IP, asked: IP }] };
    const [block] = await ledger.intend(wish);
    const { rule } = await edge.block({ scope: ZONE, network: IP, notes: wish.mark }, call);
    if (block) await ledger.confirm(block, rule);
  };
  return { clock, edge, ledger, log, lease, keeper, blocksForAnHour };
}

describe("the keeper", () => {
  it("lifts what is due while all rules are read, and a stop waits for the end of both", async () => {
    const { reading, refresh } = createSlowReconciler();
    const { clock, ledger, keeper, log, blocksForAnHour } = desk({ refresh });
    await vi.waitFor(() => expect(reading.open).toBe(1));
    await blocksForAnHour();
    clock.passes(HOUR);
    await vi.waitFor(() => expect(ledger.blocks).toMatchObject([{ state: "released", released_by: "expiry" }]), { timeout: 10_000 });
    expect(reading).toEqual({ begun: 1, open: 1 });
    await keeper.stop();
    expect(reading).toEqual({ begun: 1, open: 0 });
    expect(log.lines).toEqual([]);
  });

  it("that loses its lease ends the reading, and begins anew with the next", async () => {
    const { reading, refresh } = createSlowReconciler();
    const { keeper, lease } = desk({ refresh });
    await vi.waitFor(() => expect(reading.open).toBe(1));
    lease.held = false;
    await vi.waitFor(() => expect([lease.taken, reading]).toEqual([2, { begun: 2, open: 1 }]), { timeout: 10_000 });
    await keeper.stop();
  });

  it("says once that the rules cannot be read, and lifts all the same", async () => {
    const refresh = () => Promise.reject(new OpsError("upstream_unavailable", "503"));
    const { clock, ledger, keeper, log, blocksForAnHour } = desk({ refresh });
    await vi.waitFor(() => expect(log.lines).toMatchObject([{ level: "warn" }]));
    await blocksForAnHour();
    clock.passes(HOUR);
    await vi.waitFor(() => expect(ledger.blocks).toMatchObject([{ state: "released" }]), { timeout: 10_000 });
    await keeper.stop();
    expect(log.lines).toHaveLength(1);
  });
});

describe("a rule of others whose run ended before it was removed", () => {
  /** A rule made by hand, as a run that died left it. */
  async function left() {
    const clock = createTestClock();
    const [cloudflare, ledger, log] = [createMemoryEdge(clock), createMemoryLedger(clock), createMemoryLog()];
    const edge = breakable(cloudflare);
    await ledger.adopt([cloudflare.hasRule(IP, "by hand")], { run_id: "run-1", identity: "telegram:1002", person_id: "p-2" });
    const round = () => {
      clock.passes(HOUR);
      return keepRound({ edge, ledger, log, audit: { append: async () => undefined } }, call.signal);
    };
    return { edge, ledger, log, round };
  }

  it("is removed", async () => {
    const { edge, ledger, round } = await left();
    await round();
    expect([edge.rules, ledger.blocks.map(({ state }) => state)]).toEqual([[], ["released"]]);
  });

  it("stays theirs when its removal is refused, also after it could not be asked for; that is logged once", async () => {
    const { edge, ledger, log, round } = await left();
    edge.breaks("release", { error: new OpsError("upstream_unavailable", "503") });
    await round();
    expect(ledger.blocks).toMatchObject([{ state: "releasing", tries: 1 }]);
    edge.breaks("release", { error: new OpsError("upstream_refused", "HTTP 403") });
    await round();
    edge.mends();
    expect(await round()).toBe(0);
    expect([edge.rules.length, ledger.blocks]).toEqual([1, []]);
    expect(log.lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
  });

  it("beside one of ours: ours is tried on with, though that is refused for now", async () => {
    const { edge, ledger, round } = await left();
    const { rule } = await edge.block({ scope: ZONE, network: "203.0.113.8", notes: "mark" }, call);
    const wish = { run_id: "run-2", identity: "telegram:1002", person_id: "p-2", reason: null, mark: "mark", for_ms: 1 };
    const [block] = await ledger.intend({ ...wish, places: [{ scope: ZONE, network: rule.network, asked: rule.network }] });
    if (block) await ledger.confirm(block, rule);
    edge.breaks("release", { error: new OpsError("upstream_refused", "HTTP 403") });
    await round();
    expect(ledger.blocks).toMatchObject([{ network: "203.0.113.8", state: "releasing", tries: 1 }]);
  });
});
