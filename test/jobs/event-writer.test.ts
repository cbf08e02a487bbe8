import { expect, it, vi } from "vitest";
import { toBatch } from "../../core/events/batch.ts";
import type { EventWriter } from "../../core/events/ports.ts";
import type { EventTables } from "../../core/events/tables.ts";
import { createEvents } from "../../jobs/events/events.ts";
import { createEventWork } from "../../jobs/events/writer.ts";
import { anEvent } from "../contract/events.contract.ts";
import { breakable } from "../support/breakable.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryEvents } from "../support/memory-events.ts";
import { createMemoryLog } from "../support/memory-log.ts";

/** The writer over tables in memory that can be taken away, also just after one statement. */
function stage() {
  const memory = createMemoryEvents(createTestClock());
  const after = { write: () => {} };
  const writer = breakable<EventWriter>({
    ...memory.writer,
    async write(batch) {
      const written = await memory.writer.write(batch);
      after.write();
      return written;
    },
  });
  const counts: object[] = [];
  const log = createMemoryLog();
  const stopping = new AbortController();
  const work = createEventWork({ writer, meter: { written: (what) => void counts.push(what) }, log });
  return {
    memory,
    writer,
    after,
    counts,
    log,
    stopping,
    write: (...ids: string[]) => work(toBatch(ids.map((id) => anEvent(id))), stopping.signal),
  };
}

it("counts what was stored and what was there already", async () => {
  const { write, counts } = stage();
  await write("a", "b");
  await write("b", "c");
  expect(counts).toEqual([
    { stored: 2, duplicates: 0, failed: 0 },
    { stored: 1, duplicates: 1, failed: 0 },
  ]);
});

it("waits with its batch while the database is away, and says nothing of it", async () => {
  const { write, writer, memory, log } = stage();
  writer.breaks("write", { times: 3 });
  await write("a");
  expect([...memory.rows.keys()]).toEqual(["a"]);
  expect(log.lines).toEqual([]);
});

it("gives its batch back when it is told to stop while the database is away", async () => {
  const { write, writer, memory, stopping } = stage();
  writer.breaks("write");
  const writing = write("a");
  await vi.waitFor(() => expect(writer.calls("write")).toBeGreaterThan(1), { interval: 5 });
  stopping.abort();
  await expect(writing).rejects.toMatchObject({ code: "unavailable" });
  expect(memory.rows.size).toBe(0);
});

it("stores the others where one is refused, keeps that one with its reason, and says so once", async () => {
  const { write, memory, counts, log } = stage();
  memory.refusals.set("bad", "numeric field overflow");
  await write("a", "b", "bad", "c", "d");
  expect([...memory.rows.keys()].toSorted()).toEqual(["a", "b", "c", "d"]);
  expect(memory.failures.get("bad")).toMatchObject({ reason: "numeric field overflow", attempts: 1 });
  expect(counts).toEqual([{ stored: 4, duplicates: 0, failed: 1 }]);
  expect(log.lines).toHaveLength(1);
});

it("counts what it stored of a batch with a refused one once, also where the database goes away in the middle", async () => {
  const { write, writer, after, memory, counts } = stage();
  memory.refusals.set("bad", "no");
  after.write = () => {
    if (memory.rows.size === 2) writer.breaks("write", { times: 2 });
  };
  await write("a", "b", "c", "bad");
  expect(counts).toEqual([{ stored: 3, duplicates: 0, failed: 1 }]);
});

it("keeps a refused event also where the database goes away just then", async () => {
  const { write, writer, memory } = stage();
  memory.refusals.set("bad", "no");
  writer.breaks("fail", { times: 2 });
  await write("bad");
  expect(memory.failures.get("bad")).toMatchObject({ attempts: 1 });
});

it("a receipt says queued of what waits while the database is away, and of others that nobody can say", async () => {
  const tables = breakable<Pick<EventTables, "receipt">>({ receipt: async () => null });
  tables.breaks("receipt");
  const queue = { holds: async (event_id: string) => event_id === "waiting", drained: async () => true };
  const { receipt } = createEvents({ tables: tables as Partial<EventTables> as EventTables, queue });
  expect(await receipt("waiting")).toEqual({ event_id: "waiting", status: "queued" });
  await expect(receipt("other")).rejects.toMatchObject({ code: "unavailable" });
});
