import { describe, expect, it, onTestFinished } from "vitest";
import { countEvents } from "../../../clients/postgres/event-counts.ts";
import { createEventWriter } from "../../../clients/postgres/event-writer.ts";
import { createPool } from "../../../clients/postgres/pool.ts";
import { toBatch } from "../../../core/events/batch.ts";
import type { EventCount, EventCounting } from "../../../core/events/ports.ts";
import { createTestClock } from "../../support/clock.ts";
import { createMemoryEvents } from "../../support/memory-events.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { usePostgres, withClient } from "../../support/postgres.ts";

const postgres = usePostgres();
const DAY = "2026-11-22T";
const HOUR: EventCounting = { since: `${DAY}08:00:00Z`, until: `${DAY}09:00:30Z`, span_s: 60, kinds: 7 };

type Given = readonly (readonly [event: string, at: string, count: number])[];

async function open() {
  const connection = await postgres.database();
  const pool = createPool(connection, { max: 2, application_name: "test", log: createMemoryLog() });
  onTestFinished(() => pool.end());
  const memory = createMemoryEvents(createTestClock());
  let ids = 0;
  /** Into the table, and into the fake that stands for it elsewhere. */
  const write = async (given: Given) => {
    const one = (event: string, at: string) => ({ event_id: `e-${++ids}`, event, user_id: "u", event_datetime: at, parameters: null });
    const batch = toBatch(given.flatMap(([event, at, count]) => Array.from({ length: count }, () => one(event, `${DAY}${at}Z`))));
    await createEventWriter(pool).write(batch);
    await memory.writer.write(batch);
  };
  /** By the table; the fake must say the same. */
  const count = async (counting: EventCounting): Promise<readonly EventCount[]> => {
    const sorted = (counts: readonly EventCount[]) => counts.map((each) => JSON.stringify([each.at, each.event, each.count])).sort();
    const counted = await countEvents(pool, counting);
    expect(sorted(await memory.events.count(counting))).toEqual(sorted(counted));
    return counted;
  };
  return { connection, pool, write, count };
}

const at = (time: string) => `${DAY}${time}.000000Z`;

describe("counting events", () => {
  it("puts each into the span that it is in, the oldest first, and leaves out what is before", async () => {
    const { write, count } = await open();
    await write([
      ...([
        ["a", "08:00:00.000000", 1],
        ["a", "08:00:59.999999", 2],
        ["b", "08:01:00.000000", 3],
        ["a", "07:59:59.999999", 9],
      ] as const),
    ]);
    expect(await count(HOUR)).toEqual([
      { at: at("08:00:00"), event: "a", count: 3 },
      { at: at("08:01:00"), event: "b", count: 3 },
    ]);
  });

  it.each([
    [300, "08:10:00"],
    [1_800, "08:00:00"],
    [21_600, "06:00:00"],
  ])("has spans of %i s that begin at multiples of it in UTC, whatever the server's zone", async (span_s, begin) => {
    const { connection, write, count } = await open();
    await withClient(connection, (client) => client.query("ALTER ROLE current_user SET timezone = 'Asia/Kathmandu'"));
    await write([["a", "08:14:00.000000", 2]]);
    expect(await count({ ...HOUR, since: `${DAY}06:00:00Z`, span_s })).toEqual([{ at: at(begin), event: "a", count: 2 }]);
  });

  it("counts what is dated ahead as of now", async () => {
    const { write, count } = await open();
    await write([["a", "09:04:00.000000", 2]]);
    expect(await count(HOUR)).toEqual([{ at: at("09:00:00"), event: "a", count: 2 }]);
  });

  it("tells apart the kinds of which there are most, and only the one that is asked for", async () => {
    const { write, count } = await open();
    await write([
      ...([
        ["a", "08:00:00.000000", 1],
        ["b", "08:00:00.000000", 2],
        ["c", "08:05:00.000000", 3],
        ["d", "08:05:00.000000", 1],
      ] as const),
    ]);
    expect(await count({ ...HOUR, kinds: 2 })).toEqual([
      { at: at("08:00:00"), event: "b", count: 2 },
      { at: at("08:00:00"), event: null, count: 1 },
      { at: at("08:05:00"), event: "c", count: 3 },
      { at: at("08:05:00"), event: null, count: 1 },
    ]);
    expect(await count({ ...HOUR, event: "d" })).toEqual([{ at: at("08:05:00"), event: "d", count: 1 }]);
    expect(await count({ ...HOUR, event: "nothing" })).toEqual([]);
  });

  it("is ended by the server when its time is over, and the connection is as before", async () => {
    const { connection, pool, write } = await open();
    await write([["a", "08:00:00.000000", 1]]);
    await withClient(connection, async (client) => {
      await client.query("BEGIN");
      await client.query("LOCK TABLE events IN ACCESS EXCLUSIVE MODE");
      await expect(countEvents(pool, HOUR, 50)).rejects.toMatchObject({ code: "timeout", text: { key: "event_stats.too_many" } });
      await client.query("ROLLBACK");
    });
    const { rows } = await pool.query<{ statement_timeout: string }>("SHOW statement_timeout");
    expect(rows).toEqual([{ statement_timeout: "0" }]);
    expect(await countEvents(pool, HOUR)).toHaveLength(1);
  });
});
