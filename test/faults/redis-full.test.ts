import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Connection } from "../../clients/postgres/pool.ts";
import { type Program, until } from "../../proof/process.ts";
import { usePostgres, withClient } from "../support/postgres.ts";
import { useRedis } from "../support/redis.ts";
import { expectProblem, send } from "../support/rest.ts";
import { ADMIN_KEY, startWorld } from "../support/world.ts";

/** Others fill Redis over its limit (`noeviction`), while events wait in it: see docs/decisions/0092. */
const postgres = usePostgres();
const redis = useRedis();
/** Lists that wait, each a batch; three of them are in the worker's hands. */
const LISTS = 12;
const EACH = 50;
/** So many in a list that a worker writes several at once. */
const MANY = 250;
const JUNK = 100;
const JUNK_BYTES = 100_000;
/** A worker that was refused rests for 30 s at most, and a dead one's batches are free after 10 s. */
const PATIENCE_MS = 60_000;

const eventsOf = (list: string, each = EACH) =>
  Array.from({ length: each }, (_, at) => ({ event_id: `${list}-${at}`, event: "log_in", user_id: "full" }));
const collect = ({ url }: Program, body: unknown) => send(`${url}/api/collect`, { key: ADMIN_KEY, body });
const receipt = async ({ url }: Program, event_id: string) =>
  (await send(`${url}/api/v1/events/${event_id}`, { key: ADMIN_KEY })).json["status"];
const stored = (connection: Connection) =>
  withClient(connection, async (client) => Number((await client.query("SELECT count(*) AS count FROM events")).rows[0].count));

/** A program on that Redis, and whoever fills it. */
async function startDesk() {
  const connection = await postgres.database();
  const client = new Redis(redis.url());
  const free = () => client.config("SET", "maxmemory", "0");
  onTestFinished(async () => {
    await free();
    client.disconnect();
  });
  await client.flushall();
  const world = await startWorld(connection, { REDIS_URL: redis.url() });
  const refuses = () =>
    client.set("more", "x").then(
      () => false,
      ({ message }: Error) => message.startsWith("OOM "),
    );
  return {
    ...{ connection, start: () => world.start(), free },
    fill: async () => {
      for (let at = 0; at < JUNK; at++) await client.set(`junk:${at}`, Buffer.alloc(JUNK_BYTES, 1));
      await client.config("SET", "maxmemory", String(JUNK * JUNK_BYTES));
      await until("Redis refuses", refuses);
    },
    refuses,
    waiting: () => client.llen("switchboard:queue:events:wait"),
    /** Lists are acknowledged, while a lock on the table keeps them from being written. */
    withListsWaiting: (program: Program, work: () => Promise<void>, each = EACH) =>
      withClient(connection, async (holder) => {
        await holder.query("BEGIN");
        await holder.query("LOCK TABLE events IN SHARE MODE");
        for (let list = 0; list < LISTS; list++) expect((await collect(program, eventsOf(`e${list}`, each))).status).toBe(200);
        await work();
        await holder.query("COMMIT");
      }),
  };
}

describe.skipIf(!redis.available)("while Redis is full", () => {
  it("events are refused at once, what was acknowledged is written all the same, and then they are taken again", async () => {
    const { connection, start, fill, free, refuses, waiting, withListsWaiting } = await startDesk();
    const program = await start();
    await withListsWaiting(program, async () => {
      await fill();
      for (const body of [eventsOf("refused"), eventsOf("refused")[0]]) {
        const got = await collect(program, body);
        expectProblem(got, 503, "unavailable");
        expect([got.json["is_success"], Number(got.headers.get("retry-after"))]).toEqual(["false", 1]);
      }
      expect(await waiting()).toBeGreaterThan(0);
      expect(await receipt(program, `e${LISTS - 1}-0`)).toBe("queued");
    });
    await until("all are written", async () => (await stored(connection)) === LISTS * EACH, PATIENCE_MS);
    expect(await refuses()).toBe(true);
    await free();
    await until("events are taken again", async () => (await collect(program, eventsOf("after"))).status === 200);
    await until("they are written", async () => (await stored(connection)) === (LISTS + 1) * EACH, PATIENCE_MS);
    expect(await receipt(program, "e0-0")).toBe("stored");
  }, 180_000);

  it("several batches that are in hand then are each given the next one", async () => {
    const { connection, start, fill, refuses, withListsWaiting } = await startDesk();
    const program = await start();
    for (const lists of [1, 2]) {
      expect((await collect(program, eventsOf(`before-${lists}`, MANY))).status).toBe(200);
      await until("it is written", async () => (await stored(connection)) === lists * MANY);
    }
    await withListsWaiting(program, fill, MANY);
    await until("all are written", async () => (await stored(connection)) === (LISTS + 2) * MANY, PATIENCE_MS);
    expect(await refuses()).toBe(true);
  }, 180_000);

  it("a writer that begins then gets nothing out of it; all is written by itself once there is room", async () => {
    const { connection, start, fill, free, waiting, withListsWaiting } = await startDesk();
    const first = await start();
    await withListsWaiting(first, async () => {
      await fill();
      await first.kill();
    });
    const before = await waiting();
    expect(before).toBeGreaterThan(0);
    const second = await start();
    await until("it is refused", async () => second.output().includes("OOM command not allowed"));
    expect(await waiting()).toBe(before);
    expect((await collect(second, eventsOf("refused"))).status).toBe(503);
    await free();
    await until("all are written", async () => (await stored(connection)) === LISTS * EACH, PATIENCE_MS);
  }, 180_000);
});
