import { expect, it } from "vitest";
import type { EventBacklog, StoredEvent } from "../../core/events/ports.ts";
import { searchCaughtUp } from "../../jobs/events/caught-up.ts";

const ROW: StoredEvent = { event_id: "a", event: "log_in", event_datetime: "2026-11-22T00:00:00.000000Z", parameters: null };
const OLDER: EventBacklog = { batches: 1, oldest_ms: 60_000 };
const NOTHING: EventBacklog = { batches: 0, oldest_ms: 0 };

/** A search of a table whose row appears with the first look at which `backlog` says that nothing waits. */
function desk(backlog: (look: number) => Promise<EventBacklog>, queued_ago_ms = 0) {
  let looks = 0;
  let rows: readonly StoredEvent[] = [];
  const queued_at = Date.now() - queued_ago_ms;
  const queue = {
    lastQueuedAt: () => queued_at,
    backlog: async () => {
      const found = await backlog(++looks);
      if (found.batches === 0) rows = [ROW];
      return found;
    },
  };
  const search = searchCaughtUp({ search: async () => rows }, queue);
  return { find: () => search({ user_id: "u", limit: 1 }), looks: () => looks };
}

it("a search waits until what was acknowledged before it is written", async () => {
  const { find, looks } = desk(async (look) => (look < 4 ? OLDER : NOTHING));
  expect(await find()).toEqual([ROW]);
  expect(looks()).toBe(4);
});

it("where nothing was acknowledged lately nothing is asked of the queue", async () => {
  const { find, looks } = desk(async () => OLDER, 60_000);
  expect(await find()).toEqual([]);
  expect(looks()).toBe(0);
});

it("what comes after it is not waited for", async () => {
  const { find, looks } = desk(async () => ({ batches: 9, oldest_ms: -1 }));
  expect(await find()).toEqual([]);
  expect(looks()).toBe(1);
});

it("where the writer is behind it answers with what is there, and looks no more", async () => {
  const { find, looks } = desk(async () => OLDER);
  expect(await find()).toEqual([]);
  const before = looks();
  expect(before).toBeGreaterThan(1);
  expect(await find()).toEqual([]);
});

it.each([
  ["away", () => Promise.reject(new Error("away"))],
  ["deaf", () => new Promise<EventBacklog>(() => undefined)],
])("where the queue is %s it answers all the same", async (_, backlog) => {
  const { find, looks } = desk(backlog);
  expect(await find()).toEqual([]);
  expect(looks()).toBe(1);
});
