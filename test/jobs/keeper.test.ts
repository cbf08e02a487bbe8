import { describe, expect, it, vi } from "vitest";
import { OpsError } from "../../core/errors.ts";
import type { BlockWish, Reconciler } from "../../core/ledger.ts";
import { startKeeper } from "../../jobs/blocks/keeper.ts";
import { pause } from "../../jobs/pause.ts";
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
