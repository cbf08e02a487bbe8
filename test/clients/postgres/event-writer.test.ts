import { expect, it } from "vitest";
import { createEventWriter } from "../../../clients/postgres/event-writer.ts";
import { createEventStore } from "../../../clients/postgres/events.ts";
import { createEvents } from "../../../jobs/events/events.ts";
import { anEvent } from "../../contract/events.contract.ts";
import { createMemoryEventQueue } from "../../support/memory-event-queue.ts";
import { usePostgres } from "../../support/postgres.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const signal = new AbortController().signal;

async function open() {
  const here = await openProcess(await postgres.database());
  const { queue, ...hands } = createMemoryEventQueue(createEventWriter(here.pool));
  return { ...here, ...hands, events: createEvents({ tables: createEventStore(here.pool, here.pool), queue }) };
}

it("what PostgreSQL cannot hold fails alone, and is listed, tried again and forgotten like any other", async () => {
  const here = await open();
  await here.collect([anEvent("a"), anEvent("b\0", { event: "nul\0", user_id: "kim\0" }), anEvent("c")]);
  await here.writes();
  expect(here.written).toEqual({ stored: 2, duplicates: 0, failed: 1 });
  const { events } = await here.events.failed({ limit: 9 });
  expect(events).toMatchObject([
    { event_id: "b\ufffd", event: "nul\ufffd", user_id: "kim\ufffd", reason: expect.stringContaining("0x00") },
  ]);
  expect(await here.events.replay({ event_ids: "all", limit: 9 }, signal)).toMatchObject({ results: [{ status: "stored" }], left: 0 });
  expect(await here.events.forget("kim\ufffd", signal)).toEqual({ stored: 1, failed: 0, done: true });
});

it("half of a surrogate pair becomes the sign for what cannot be read, and stops nobody", async () => {
  const here = await open();
  await here.collect([anEvent("a"), anEvent("b\ud83d", { user_id: "lee" })]);
  await here.writes();
  expect(await here.events.search({ user_id: "lee", limit: 9 })).toMatchObject([{ event_id: "b\ufffd" }]);
});

it("a failed event is moved or it is not: one that is refused again is still there when the process dies", async () => {
  const here = await open();
  await here.rows("ALTER TABLE events ADD CONSTRAINT small CHECK (price < 100)");
  await here.collect([anEvent("a", { parameters: { order_id: "o", currency: "krw", price: 500 } })]);
  await here.writes();
  const store = createEventStore(here.pool, here.pool);
  await expect(store.restore("a")).rejects.toThrow("small");
  expect(await here.rows("SELECT event_id FROM failed_events")).toEqual([{ event_id: "a" }]);
  await here.rows("ALTER TABLE events DROP CONSTRAINT small");
  expect([await store.restore("a"), await store.restore("a")]).toEqual(["stored", null]);
});
