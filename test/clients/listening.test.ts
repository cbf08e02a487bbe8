import { EventEmitter } from "node:events";
import { expect, it, onTestFinished, vi } from "vitest";
import { connectorOf } from "../../clients/bullmq/listening.ts";
import { createPostgresStore } from "../../clients/bullmq/postgres.ts";
import { createPool, type Pool } from "../../clients/postgres/pool.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres, withClient } from "../support/postgres.ts";

const postgres = usePostgres();
const log = createMemoryLog();
/** A worker that hears nothing looks by itself after a minute, later than any test waits. */
const OPTIONS = { drainDelay: 60, concurrency: 1, lockDuration: 10_000, stalledInterval: 10_000, maxStalledCount: 1, runRetryDelay: 100 };
const until = (holds: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await holds()).toBe(true), { interval: 10, timeout: 10_000 });

async function openPool(of?: Awaited<ReturnType<typeof postgres.database>>) {
  const database = of ?? (await postgres.database());
  const pool = createPool(database, { application_name: "test listening", search_path: "bullmq,public", max: 6, log });
  onTestFinished(() => pool.end());
  /** The sessions that listen, as another one sees them: BullMQ gives them the name of a queue. */
  const listening = () =>
    withClient(database, async (client) => {
      const { rows } = await client.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('runs', 'deliveries')",
      );
      return rows.map(({ pid }) => pid);
    });
  const kill = (pid: number) => withClient(database, (client) => client.query("SELECT pg_terminate_backend($1)", [pid]));
  return { database, pool, listening, kill };
}

/** A queue with a worker that waits for its jobs. */
async function openQueue(pool: Awaited<ReturnType<typeof openPool>>["pool"], name: string) {
  const store = createPostgresStore<{ id: string }>(pool, { name, log });
  const got: string[] = [];
  const { consumer } = store.consumer(async ({ id }) => void got.push(id), OPTIONS);
  consumer.on("error", () => undefined);
  await consumer.waitUntilReady();
  const producer = store.producer();
  const close = async () => {
    await producer.close();
    await consumer.close(true);
  };
  onTestFinished(close);
  return { got, close, add: (id: string) => producer.add(name, { id }, {}) };
}

it("the queues of a pool listen on one connection, and each hears of its own jobs", async () => {
  const { pool, listening } = await openPool();
  const [runs, deliveries] = [await openQueue(pool, "runs"), await openQueue(pool, "deliveries")];
  await until(async () => (await listening()).length === 1);
  await runs.add("r1");
  await deliveries.add("d1");
  await until(() => runs.got.length === 1 && deliveries.got.length === 1);
  expect([runs.got, deliveries.got]).toEqual([["r1"], ["d1"]]);
});

it("a queue that is closed leaves the others theirs; after the last one nobody listens, and a new one hears again", async () => {
  const { pool, listening } = await openPool();
  const [runs, deliveries] = [await openQueue(pool, "runs"), await openQueue(pool, "deliveries")];
  await until(async () => (await listening()).length === 1);
  await runs.close();
  await deliveries.add("d1");
  await until(() => deliveries.got.length === 1);
  await deliveries.close();
  await until(async () => (await listening()).length === 0);
  const again = await openQueue(pool, "runs");
  await until(async () => (await listening()).length === 1);
  await again.add("r2");
  await until(() => again.got.length === 1);
});

/** What another session of the same database hears, from now until it is asked. */
async function listenTo(database: Awaited<ReturnType<typeof postgres.database>>, while_it: () => Promise<void>): Promise<string[]> {
  const heard: string[] = [];
  await withClient(database, async (client) => {
    client.on("notification", ({ channel, payload }) => heard.push(`${channel} ${payload}`));
    await client.query("LISTEN bullmq_jobs; LISTEN bullmq_events");
    await while_it();
    await client.query("NOTIFY bullmq_events, 'the end'");
    await until(() => heard.includes("bullmq_events the end"));
  });
  return heard.sort();
}

/** Resolves when so many sessions keep BullMQ from telling. */
const untilKept = (database: Awaited<ReturnType<typeof postgres.database>>, sessions: number) =>
  withClient(database, async (client) => {
    const kept = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND database = $1";
    const { rows } = await client.query<{ oid: number }>("SELECT oid FROM pg_database WHERE datname = current_database()");
    await until(async () => (await client.query(kept, [rows[0]?.oid])).rowCount === sessions);
  });

it("while workers listen nobody is told what becomes of their jobs, only that there are some", async () => {
  const { pool, database } = await openPool();
  const [runs, deliveries] = [await openQueue(pool, "runs"), await openQueue(pool, "deliveries")];
  await untilKept(database, 2);
  const heard = await listenTo(database, async () => {
    await runs.add("r1");
    await deliveries.add("d1");
    await until(() => runs.got.length === 1 && deliveries.got.length === 1);
  });
  expect(heard).toEqual(["bullmq_events the end", "bullmq_jobs deliveries", "bullmq_jobs runs"]);
});

it("that stays so when another process goes, and where it began in the middle of somebody's transaction", async () => {
  const { pool: first, database } = await openPool();
  const one = await openQueue(first, "runs");
  await untilKept(database, 1);
  await one.close();
  await untilKept(database, 0);
  const { pool } = await openPool(database);
  await withClient(database, async (client) => {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock(hashtext('bullmq:evnotify:runs'))");
    const held = await openQueue(pool, "runs");
    await held.add("r1");
    await until(() => held.got.length === 1);
    await client.query("COMMIT");
  });
  await untilKept(database, 1);
  const another = await openQueue((await openPool(database)).pool, "runs");
  await untilKept(database, 2);
  await another.close();
  await untilKept(database, 1);
});

it("when the connection breaks, all of them listen on a new one", async () => {
  const { pool, listening, kill } = await openPool();
  const [runs, deliveries] = [await openQueue(pool, "runs"), await openQueue(pool, "deliveries")];
  await until(async () => (await listening()).length === 1);
  const [first = 0] = await listening();
  await kill(first);
  await until(async () => {
    const [pid, ...more] = await listening();
    return pid !== undefined && pid !== first && more.length === 0;
  });
  await runs.add("r1");
  await deliveries.add("d1");
  await until(() => runs.got.length === 1 && deliveries.got.length === 1);
});

it("a connection that only asked something goes back to the pool", async () => {
  const { pool } = await openPool();
  const held = await connectorOf(pool)("runs");
  const { rows } = await held.query("SELECT pg_backend_pid() AS pid");
  held.release();
  held.release();
  expect((await pool.query("SELECT pg_backend_pid() AS pid")).rows).toEqual(rows);
});

/** A pool whose connections do as they are told, and note what is done to them. */
function fakePool(answer: (text: string) => Promise<unknown> = async () => ({ rows: [] })) {
  const made: { client: EventEmitter; asked: string[]; released: unknown[] }[] = [];
  const connect = async () => {
    const one = { client: new EventEmitter(), asked: [] as string[], released: [] as unknown[] };
    made.push(one);
    one.client.on("error", () => undefined);
    const query = (text: string) => {
      one.asked.push(text);
      return answer(text);
    };
    return Object.assign(one.client, { query, release: (isBroken: unknown) => one.released.push(isBroken) });
  };
  return { made, pool: { connect } as unknown as Pool };
}

it("whoever waits for a connection that cannot be made is told, and the next one tries anew", async () => {
  let tries = 0;
  const connect = async () => {
    tries += 1;
    throw new Error("no server");
  };
  const get = connectorOf({ connect } as unknown as Pool);
  const told = await Promise.allSettled([get("a"), get("b"), get("c")]);
  expect([told.map(({ status }) => status), tries]).toEqual([["rejected", "rejected", "rejected"], 1]);
  await expect(get("a")).rejects.toThrow("no server");
  expect(tries).toBe(2);
});

it("a connection that one of its holders found broken, or that heard of jobs, is not given to anybody else", async () => {
  const { made, pool } = fakePool();
  const get = connectorOf(pool);
  const [one, other] = await Promise.all([get("a"), get("b")]);
  one.release(true);
  other.release();
  const listening = await get("a");
  await listening.query("-- Subscribe\nLISTEN bullmq_jobs;\n");
  listening.release();
  const plain = await get("a");
  plain.release();
  expect(made.map(({ released }) => released)).toEqual([[true], [true], [false]]);
});

it("who released it leaves nothing behind and can do nothing to it any more", async () => {
  const { made, pool } = fakePool();
  const get = connectorOf(pool);
  const [one, other] = await Promise.all([get("a"), get("b")]);
  const heard: string[] = [];
  one.on("notification", () => heard.push("one"));
  other.on("notification", () => heard.push("other"));
  one.release();
  one.on("notification", () => heard.push("one, late"));
  await expect(one.query("LISTEN bullmq_jobs")).rejects.toThrow("released");
  made[0]?.client.emit("notification", {});
  expect([heard, made[0]?.asked]).toEqual([["other"], []]);
  other.release();
  expect([made[0]?.client.listenerCount("notification"), made[0]?.client.listenerCount("error")]).toEqual([0, 1]);
});

it("statements of several holders go one after the other; one that hangs until it is given up spoils the connection for newcomers", async () => {
  let fail: (thrown: Error) => void = () => undefined;
  const { made, pool } = fakePool((text) =>
    text === "hangs" ? new Promise((_, reject) => (fail = reject)) : Promise.resolve({ rows: [] }),
  );
  const get = connectorOf(pool);
  const [one, other] = await Promise.all([get("a"), get("b")]);
  const [hanging, next] = [one.query("hangs"), other.query("next")];
  await vi.waitFor(() => expect(made[0]?.asked).toEqual(["hangs"]));
  fail(new Error("Query read timeout"));
  await expect(hanging).rejects.toThrow("timeout");
  await next;
  expect(made[0]?.asked).toEqual(["hangs", "next"]);
  await get("a");
  expect(made.length).toBe(2);
});
