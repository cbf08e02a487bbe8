import { describe, expect, it, vi } from "vitest";
import { createLedger } from "../../clients/postgres/blocks.ts";
import { createRuleMirror } from "../../clients/postgres/rule-mirror.ts";
import { OpsError } from "../../core/errors.ts";
import type { Leases } from "../../core/ports.ts";
import { createReconciler } from "../../jobs/blocks/reconciler.ts";
import { pause } from "../../jobs/pause.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryEdge, type MemoryEdge, ZONE } from "../support/memory-edge.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { openProcess } from "../support/stores.ts";

const postgres = usePostgres();
const { signal } = new AbortController();
const HOUR = 3_600_000;
/** Longer than any test takes. */
const PATIENCE_MS = 60_000;

/** An edge in memory, the ledger and the mirror on PostgreSQL. */
async function desk() {
  const { pool, session } = await openProcess(await postgres.database());
  const clock = createTestClock(Date.now());
  const [edge, ledger, mirror, log] = [createMemoryEdge(clock), createLedger(pool), createRuleMirror(pool), createMemoryLog()];
  const open = (leases: Leases = session) => createReconciler({ edge, mirror, leases, clock, log });
  /** Blocks a network as a command does, an hour ago. */
  const block = async (network: string) => {
    const wish = {
      run_id: `run-${network}`,
      identity: "telegram:1002",
      person_id: "p-2",
      reason: "scan",
      mark: `mark ${network}`,
      for_ms: null,
    };
    const [block] = await ledger.intend({ ...wish, places: [{ scope: ZONE, network, asked: network }] });
    const { rule } = await edge.block({ scope: ZONE, network, notes: wish.mark }, { lane: "interactive", signal });
    if (block) await ledger.confirm(block, { ...rule, created_at: new Date(clock.ms() - HOUR).toISOString() });
    return rule;
  };
  const list = async (kind: "all" | "ours" | "foreign" | "drift") =>
    (await mirror.list({ scopes: edge.scopes, kind, offset: 0, limit: 100 })).entries.map(({ network, owner, drift }) => [
      network,
      owner,
      drift,
    ]);
  return { clock, edge, ledger, mirror, log, block, list, open, reconciler: open() };
}

/** Holds every reading of the rules until it may go on, or is cut off. */
function held({ edge }: { edge: MemoryEdge }) {
  const go = new AbortController();
  const signals: AbortSignal[] = [];
  const { list } = edge;
  edge.list = async function* (scope, call) {
    signals.push(call.signal);
    await pause(PATIENCE_MS, AbortSignal.any([go.signal, call.signal]));
    if (call.signal.aborted) throw new OpsError("upstream_unavailable", "cut off");
    yield* list(scope, call);
  };
  return { go, signals };
}

describe("the reconciler", () => {
  it("tells ours from those of others", async () => {
    const { block, edge, reconciler, list, log } = await desk();
    await block("203.0.113.7");
    edge.hasRule("198.51.100.0/24", "by hand");
    edge.hasRule("198.51.100.9", "not a block", { mode: "challenge" });
    expect(await reconciler.refresh(0, signal)).toMatchObject({ ours: 1, foreign: 1, drift: 0 });
    expect(await list("ours")).toEqual([["203.0.113.7", "ours", null]]);
    expect(await list("foreign")).toEqual([["198.51.100.0/24", "foreign", null]]);
    expect(log.lines).toEqual([]);
  });

  it("does not take the rule of a wish that its run could not confirm for somebody else's", async () => {
    const { edge, ledger, reconciler, list } = await desk();
    const [network, mark] = ["203.0.113.7", "Switchboard run-1 by telegram:1002"];
    const wish = { run_id: "run-1", identity: "telegram:1002", person_id: "p-2", reason: null, mark, for_ms: null };
    const [wished] = await ledger.intend({ ...wish, places: [{ scope: ZONE, network, asked: network }] });
    const rule = edge.hasRule(network, mark);
    edge.hasRule("203.0.113.8", mark);
    expect(await reconciler.refresh(0, signal)).toMatchObject({ ours: 1, foreign: 1, drift: 0 });
    expect(await list("all")).toHaveLength(2);
    expect(await list("foreign")).toEqual([["203.0.113.8", "foreign", null]]);
    expect(await ledger.within("203.0.113.0/24")).toEqual({ ours: 1, foreign: 1 });
    if (wished) await ledger.confirm(wished, rule);
    expect(await list("foreign")).toEqual([["203.0.113.8", "foreign", null]]);
  });

  it("does not show a rule of others any more that was removed since the last reading", async () => {
    const { edge, ledger, reconciler, list } = await desk();
    const rule = edge.hasRule("198.51.100.9", "by hand");
    await reconciler.refresh(0, signal);
    const lifting = await ledger.adopt([rule], { run_id: "release-1", identity: "telegram:1001", person_id: "p-1" });
    await ledger.released(lifting);
    expect(await list("all")).toEqual([]);
    expect(await ledger.within("198.51.100.0/24")).toEqual({ ours: 0, foreign: 0 });
  });

  it("reports a rule that is gone and one that does something else, once, and mends neither", async () => {
    const { block, edge, reconciler, list, log, clock } = await desk();
    const [gone, changed] = [await block("203.0.113.7"), await block("203.0.113.8")];
    await block("203.0.113.9");
    edge.loses(gone.rule_id);
    edge.loses(changed.rule_id);
    edge.hasRule("203.0.113.8", changed.notes, { rule_id: changed.rule_id, mode: "challenge" });
    expect(await reconciler.refresh(0, signal)).toMatchObject({ ours: 3, drift: 2 });
    expect((await list("drift")).toSorted()).toEqual([
      ["203.0.113.7", "ours", "missing"],
      ["203.0.113.8", "ours", "changed"],
    ]);
    clock.passes(60_000);
    await reconciler.refresh(0, signal);
    expect(log.lines).toMatchObject([{ level: "warn", fields: { count: 2 } }]);
    expect(edge.rules).toHaveLength(2);
    edge.hasRule("203.0.113.7", gone.notes, { rule_id: gone.rule_id });
    clock.passes(60_000);
    expect(await reconciler.refresh(0, signal)).toMatchObject({ drift: 1 });
  });

  it("does not cry wolf over a reading that missed a page", async () => {
    const { block, edge, reconciler, log } = await desk();
    await block("203.0.113.7");
    edge.list = async function* () {
      yield [];
    };
    expect(await reconciler.refresh(0, signal)).toMatchObject({ drift: 0 });
    expect(log.lines).toEqual([]);
  });

  it("does not read again what is fresh, and several who ask share one reading, over processes too", async () => {
    const { edge, reconciler, open, clock } = await desk();
    let readings = 0;
    const { list } = edge;
    edge.list = (scope, call) => {
      readings += 1;
      return list(scope, call);
    };
    await Promise.all([reconciler, reconciler, open(), open()].map((each) => each.refresh(60_000, signal)));
    expect(readings).toBe(1);
    clock.passes(59_000);
    await reconciler.refresh(60_000, signal);
    expect(readings).toBe(1);
    clock.passes(2_000);
    await reconciler.refresh(60_000, signal);
    expect(readings).toBe(2);
  });

  it("goes on reading for the others when the one who asked first is cancelled", async () => {
    const stage = await desk();
    const { edge, reconciler, mirror } = stage;
    const reading = held(stage);
    const compared: unknown[] = [];
    const { compare } = mirror;
    mirror.compare = async (scopes) => {
      const comparison = await compare(scopes);
      compared.push(comparison);
      return comparison;
    };
    const callers = [new AbortController(), new AbortController()] as const;
    const [first, second] = callers.map((caller) => reconciler.refresh(0, caller.signal));
    // Each has looked how old the last reading is, and whoever reads once more when it was their turn.
    await vi.waitFor(() => expect([reading.signals.length, compared.length]).toEqual([1, 3]));
    callers[0].abort();
    await expect(first).rejects.toMatchObject({ code: "upstream_unavailable" });
    reading.go.abort();
    expect(await second).toMatchObject({ ours: 0 });
    expect([reading.signals.length, edge.rules]).toEqual([1, []]);
  });

  it("ends the reading when nobody waits for it any more, and the next one reads anew", async () => {
    const stage = await desk();
    const { reconciler } = stage;
    const reading = held(stage);
    const caller = new AbortController();
    const asked = reconciler.refresh(0, caller.signal);
    await vi.waitFor(() => expect(reading.signals).toHaveLength(1));
    caller.abort();
    await expect(asked).rejects.toThrow("cut off");
    reading.go.abort();
    expect(await reconciler.refresh(0, signal)).toMatchObject({ ours: 0 });
    expect(reading.signals).toHaveLength(2);
  });

  it("that cannot read says so, and keeps what it knew", async () => {
    const { block, edge, reconciler, clock, list } = await desk();
    await block("203.0.113.7");
    await reconciler.refresh(0, signal);
    clock.passes(60_000);
    edge.list = async function* () {
      yield [];
      throw new Error("cut off");
    };
    await expect(reconciler.refresh(0, signal)).rejects.toThrow("cut off");
    expect(await list("all")).toEqual([["203.0.113.7", "ours", null]]);
  });

  it("pages through many, newest first, and knows how many there are past the end", async () => {
    const { edge, reconciler, mirror } = await desk();
    for (let at = 0; at < 250; at++)
      edge.hasRule(`203.0.113.${at}`, "by hand", { created_at: new Date(Date.UTC(2026, 0, 1) + at * 1_000).toISOString() });
    await reconciler.refresh(0, signal);
    const page = (offset: number) => mirror.list({ scopes: edge.scopes, kind: "all", offset, limit: 20 });
    expect((await page(0)).entries[0]).toMatchObject({ network: "203.0.113.249", owner: "foreign", reason: "by hand" });
    expect([(await page(240)).entries.length, (await page(240)).total, (await page(260)).total]).toEqual([10, 250, 250]);
  });
});
