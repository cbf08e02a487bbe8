import { expect, it, onTestFinished, vi } from "vitest";
import { connectorOf } from "../../clients/bullmq/listening.ts";
import { createPostgresStore } from "../../clients/bullmq/postgres.ts";
import { createPool } from "../../clients/postgres/pool.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres, withClient } from "../support/postgres.ts";

const postgres = usePostgres();
const log = createMemoryLog();
const OPTIONS = { concurrency: 1, lockDuration: 10_000, stalledInterval: 10_000, maxStalledCount: 1, runRetryDelay: 100 };
const until = (holds: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await holds()).toBe(true), { interval: 10, timeout: 10_000 });

async function openPool() {
  const database = await postgres.database();
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
  return { pool, listening, kill };
}

/** A queue with a worker that waits for its jobs; BullMQ looks by itself only after seconds. */
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

it("a connection that only asked something goes back to the pool; one that could not be made is tried again", async () => {
  const { pool } = await openPool();
  const connect = connectorOf(pool);
  const first = await connect();
  const { rows } = await first.query("SELECT pg_backend_pid() AS pid");
  first.release();
  first.release();
  expect((await pool.query("SELECT pg_backend_pid() AS pid")).rows).toEqual(rows);
  const away = createPool({ host: "/nowhere", port: 5432, user: "x", database: "x" }, { max: 1, application_name: "away", log });
  onTestFinished(() => away.end());
  await expect(connectorOf(away)()).rejects.toThrow(/ENOENT/);
  await expect(connectorOf(away)()).rejects.toThrow(/ENOENT/);
});
