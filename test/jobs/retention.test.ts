import { expect, it, vi } from "vitest";
import type { Lease, Leases } from "../../core/ports.ts";
import { startRetention } from "../../jobs/retention.ts";
import { createMemoryLog } from "../support/memory-log.ts";

/** Leases of one database, as many processes see them. */
function createLeases(): Leases & { readonly held: Set<string> } {
  const held = new Set<string>();
  const leaseOf = (name: string): Lease => ({ held: () => held.has(name), release: async () => void held.delete(name) });
  return {
    held,
    async lease(name) {
      if (held.has(name)) return null;
      held.add(name);
      return leaseOf(name);
    },
  };
}

it("one of several processes deletes, and another goes on when it is gone", async () => {
  const leases = createLeases();
  const log = createMemoryLog();
  const done: string[] = [];
  const start = (name: string) => startRetention({ purge: async () => done.push(name), leases, log });
  const first = start("first");
  await vi.waitFor(() => expect(done).toEqual(["first"]));
  const second = start("second");
  await second.stop();
  expect(done).toEqual(["first"]);
  await first.stop();
  expect(leases.held).toEqual(new Set());
  const third = start("third");
  await vi.waitFor(() => expect(done).toEqual(["first", "third"]));
  await third.stop();
});

it("the process that stops tells it so, and waits for the statement under way", async () => {
  const log = createMemoryLog();
  const seen = { began: false, ended: false };
  const purge = async (signal: AbortSignal) => {
    seen.began = true;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    seen.ended = true;
    return 7;
  };
  const retention = startRetention({ purge, leases: createLeases(), log });
  await vi.waitFor(() => expect(seen.began).toBe(true));
  await retention.stop();
  expect(seen.ended).toBe(true);
  expect(log.lines).toMatchObject([{ level: "info", fields: { deleted: 7 } }]);
});

it("says once that it cannot delete", async () => {
  const log = createMemoryLog();
  const purge = async () => Promise.reject(new Error("the database is away"));
  const retention = startRetention({ purge, leases: createLeases(), log });
  await vi.waitFor(() => expect(log.lines).toHaveLength(1));
  await retention.stop();
  expect(log.lines).toMatchObject([{ level: "warn" }]);
});
