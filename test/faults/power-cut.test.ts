import { expect, it, onTestFinished, vi } from "vitest";
import { openQueues } from "../../bin/app/queues.ts";
import { openStorage } from "../../bin/app/storage.ts";
import { createEventWriter } from "../../clients/postgres/event-writer.ts";
import { parseConfig } from "../../core/config.ts";
import type { CollectedEvent } from "../../core/events/event.ts";
import { createEventWork } from "../../jobs/events/writer.ts";
import { quiet as log, processesOf, useMadeFolder } from "../support/embedded.ts";

/**
 * The embedded server dies with all its processes and whatever it had not written out, as in a power cut: see docs/decisions/0098. What it writes out by
 * itself, and would be lost only by chance, is kept back for longer than the test takes (wal_writer_delay).
 */
const dataFolder = useMadeFolder();
const EVENTS = 5;
/** The dead writer's batches are free after 10 s. */
const TIMEOUT_MS = 150_000;

const event = (event_id: string): CollectedEvent => ({
  ...{ event_id, event: "log_in", user_id: "u", event_datetime: "2026-11-27T02:00:00.000000Z", parameters: null },
});

/** Those that follow the first one by themselves are gone before it is their turn. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "ESRCH" });
  }
}

async function openDesk() {
  const config = parseConfig({ DATA_DIR: await dataFolder(), SECRET_KEY: "0".repeat(64) }, "/");
  const storage = await openStorage(config, log);
  const { events: queue, ...queues } = await openQueues(config, storage, log);
  onTestFinished(async () => {
    await queues.close();
    await storage.close();
  });
  const one = async <T>(sql: string) => (await storage.pool.query<{ value: T }>(sql)).rows[0]?.value;
  const write = createEventWork({ writer: createEventWriter(storage.events), meter: { written: () => undefined }, log });
  return {
    queue,
    stored: () => one<number>("SELECT count(*)::int AS value FROM events"),
    startWriter: () => queue.work(write, { concurrency: 3 }),
    async keepBack() {
      await storage.pool.query("ALTER SYSTEM SET wal_writer_delay = '10s'");
      await storage.pool.query("ALTER SYSTEM SET autovacuum = off");
      await storage.pool.query("SELECT pg_reload_conf()");
      await vi.waitFor(async () => expect(await one("SELECT current_setting('wal_writer_delay') AS value")).toBe("10s"));
    },
    async cutPower() {
      const name = await one<string>("SELECT current_setting('cluster_name') AS value");
      const pids = await processesOf(`(cluster_name=|postgres: )${name}`);
      expect(pids.length).toBeGreaterThan(5);
      for (const pid of pids) kill(pid);
      await vi.waitFor(() => one("SELECT 1 AS value"), { timeout: 30_000, interval: 50 });
    },
  };
}

it("writing waits for the disk unless the queue is in the same database; queueing always does", async () => {
  const commits = async (env: Readonly<Record<string, string>>) => {
    const storage = await openStorage(parseConfig({ DATA_DIR: await dataFolder(), SECRET_KEY: "0".repeat(64), ...env }, "/"), log);
    onTestFinished(() => storage.close());
    const { pool, events, queuePool } = storage;
    return Promise.all(
      [pool, events, queuePool].map(async (each) => (await each.query<{ synchronous_commit: string }>("SHOW synchronous_commit")).rows[0]),
    );
  };
  const [on, off] = [{ synchronous_commit: "on" }, { synchronous_commit: "off" }];
  expect(await commits({})).toEqual([on, off, on]);
  expect(await commits({ REDIS_URL: "redis://127.0.0.1:1" })).toEqual([on, on, on]);
});

it(
  "events that were written but not yet on the disk when the power went are in the queue again, and none is lost",
  async () => {
    const { queue, stored, startWriter, keepBack, cutPower } = await openDesk();
    const writer = await startWriter();
    await keepBack();
    const ids = Array.from({ length: EVENTS }, (_, at) => `e-${at}`);
    for (const id of ids) await queue.add([event(id)]);
    await vi.waitFor(async () => expect(await stored()).toBe(EVENTS), { timeout: 10_000 });
    await vi.waitFor(async () => expect(await queue.backlog()).toMatchObject({ batches: 0 }), { timeout: 10_000 });
    await writer.close(0);

    await cutPower();

    const left = (await stored()) ?? EVENTS;
    expect(left).toBeLessThan(EVENTS);
    expect((await queue.backlog()).batches).toBeGreaterThanOrEqual(EVENTS - left);
    await startWriter();
    await vi.waitFor(async () => expect(await stored()).toBe(EVENTS), { timeout: 30_000 });
    await vi.waitFor(async () => expect(await queue.backlog()).toMatchObject({ batches: 0 }), { timeout: 30_000 });
  },
  TIMEOUT_MS,
);
