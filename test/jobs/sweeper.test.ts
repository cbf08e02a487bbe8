import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createQueue } from "../../clients/bullmq/queue.ts";
import type { QueueBackend } from "../../clients/bullmq/store.ts";
import { type Connection, createPool } from "../../clients/postgres/pool.ts";
import { createEnqueue } from "../../jobs/enqueue.ts";
import { startSweeper, sweep } from "../../jobs/sweeper.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres, withClient } from "../support/postgres.ts";
import { useRedis } from "../support/redis.ts";
import { aDelivery, anEnd, aRun, claimOf } from "../support/rows.ts";
import { openProcess, SILENT, type TestProcess } from "../support/stores.ts";

const postgres = usePostgres();
const redis = useRedis();
const WAIT = { timeout: 20_000, interval: 20 };
const accepted = { delivery: null, claim: false };
const sweepableNow = "UPDATE runs SET sweep_at = now() - interval '1 second'";

function openQueue(backend: QueueBackend) {
  const queue = createQueue("runs", backend, { log: SILENT, lock_ms: 1_000 });
  onTestFinished(() => queue.close());
  return queue;
}

function queueOn(database: Connection) {
  const pool = createPool(database, { application_name: "test queue", search_path: "bullmq,public", max: 8, log: SILENT });
  onTestFinished(() => pool.end());
  return openQueue({ kind: "postgres", pool });
}

/** A process with a queue, its worker, and what the sweeper is given. */
async function startStage(database: Connection, queue = queueOn(database)) {
  const here = await openProcess(database);
  const enqueue = createEnqueue(queue, SILENT);
  const done: string[] = [];
  const parts = { tables: [{ rows: here.runs, queue, enqueue }], takeOverInbox: async () => undefined };
  return {
    ...here,
    queue,
    enqueue,
    done,
    sweep: (all = false) => sweep(parts, all),
    parts,
    work: () => queue.work((id) => carryOut(here, id, done), { concurrency: 4 }),
    add: (run_id: string, generation = 0) => queue.add([{ id: run_id, job_id: `${run_id}-${generation}` }]),
  };
}

async function carryOut({ runs }: Pick<TestProcess, "runs">, id: string, done: string[]): Promise<void> {
  const claim = await runs.claim(id);
  if (!claim) return;
  done.push(id);
  await runs.finish(claim, anEnd());
}

const generations = async ({ rows }: Pick<TestProcess, "rows">) =>
  Object.fromEntries(
    (await rows<{ run_id: string; generation: number }>("SELECT run_id, generation FROM runs")).map((row) => [row.run_id, row.generation]),
  );

describe("the sweeper queues", () => {
  it("a row that was never queued", async () => {
    const stage = await startStage(await postgres.database());
    await stage.runs.insert(aRun("r1"), accepted);
    await stage.sweep();
    expect((await stage.queue.counts()).waiting).toBe(0);
    await stage.rows(sweepableNow);
    await stage.sweep();
    await stage.work();
    await vi.waitFor(() => expect(stage.done).toEqual(["r1"]), WAIT);
  });

  it("at the start also what looks as if it had just been queued", async () => {
    const stage = await startStage(await postgres.database());
    await stage.runs.insert(aRun("r1"), accepted);
    await stage.sweep(true);
    expect((await stage.queue.counts()).waiting).toBe(1);
  });

  it("nothing whose job still waits, now or later", async () => {
    const stage = await startStage(await postgres.database());
    for (const run_id of ["r1", "r2"]) await stage.runs.insert(aRun(run_id), { delivery: null, claim: run_id === "r2" });
    await stage.add("r1");
    const later = await stage.runs.postpone(await claimOf(stage, "r2"), 60_000);
    await stage.enqueue(later ? [later] : []);
    for (let round = 0; round < 3; round++) {
      await stage.rows(sweepableNow);
      await stage.sweep(true);
    }
    expect(await stage.queue.counts()).toMatchObject({ waiting: 1, delayed: 1 });
    expect(await generations(stage)).toEqual({ r1: 0, r2: 1 });
  });

  it("a row whose job has begun and ended while the row stayed open", async () => {
    const stage = await startStage(await postgres.database());
    await stage.runs.insert(aRun("r1"), accepted);
    await stage.add("r1");
    const broken = await stage.queue.work(() => Promise.reject(new Error("the database was away")), { concurrency: 1 });
    await vi.waitFor(async () => expect((await stage.queue.counts()).failed).toBe(1), WAIT);
    await broken.close(0);
    await stage.work();
    await stage.sweep(true);
    await vi.waitFor(() => expect(stage.done).toEqual(["r1"]), WAIT);
  });

  it("rows that have vanished from PostgreSQL's queue", async () => {
    const database = await postgres.database();
    const stage = await startStage(database);
    for (const run_id of ["r1", "r2"]) await stage.runs.insert(aRun(run_id), accepted);
    await Promise.all(["r1", "r2"].map((run_id) => stage.add(run_id)));
    await withClient(database, (client) => client.query("DELETE FROM bullmq.job"));
    await stage.rows(sweepableNow);
    await stage.sweep();
    await stage.work();
    await vi.waitFor(() => expect(stage.done.toSorted()).toEqual(["r1", "r2"]), WAIT);
  });

  it.skipIf(!redis.available)("rows that have vanished from Redis", async () => {
    const stage = await startStage(await postgres.database(), openQueue({ kind: "redis", url: redis.url() }));
    for (const run_id of ["r1", "r2"]) await stage.runs.insert(aRun(run_id), accepted);
    await Promise.all(["r1", "r2"].map((run_id) => stage.add(run_id)));
    const client = new Redis(redis.url());
    await client.flushall();
    await client.quit();
    await stage.rows(sweepableNow);
    await stage.sweep();
    await stage.work();
    await vi.waitFor(() => expect(stage.done.toSorted()).toEqual(["r1", "r2"]), WAIT);
  });

  it("what a dead process had claimed, runs and messages", async () => {
    const database = await postgres.database();
    const [dead, stage] = [await openProcess(database), await startStage(database)];
    await dead.runs.insert(aRun("r1"), { delivery: aDelivery("d1", { run_id: "r1" }), claim: true });
    await dead.deliveries.claim("d1");
    const deliveries: string[] = [];
    const enqueue = async (jobs: readonly { id: string }[]) => void deliveries.push(...jobs.map(({ id }) => id));
    const tables = [...stage.parts.tables, { rows: stage.deliveries, queue: { waiting: async () => new Set<string>() }, enqueue }];
    await stage.work();
    await sweep({ ...stage.parts, tables }, false);
    expect(deliveries).toEqual([]);
    await dead.die();
    await sweep({ ...stage.parts, tables }, false);
    await vi.waitFor(() => expect(stage.done).toEqual(["r1"]), WAIT);
    expect(deliveries).toEqual(["d1"]);
  });
});

describe("two sweepers at once", () => {
  it("make no two runs of one", async () => {
    const database = await postgres.database();
    const stages = [await startStage(database), await startStage(database)] as const;
    const ids = Array.from({ length: 40 }, (_, number) => `r${number}`);
    await Promise.all(ids.map((run_id) => stages[0].runs.insert(aRun(run_id), accepted)));
    await Promise.all(stages.map((stage) => stage.work()));
    for (let round = 0; round < 3; round++) await Promise.all(stages.map((stage) => stage.sweep(true)));
    const done = () => stages.flatMap((stage) => stage.done);
    await vi.waitFor(() => expect(done()).toHaveLength(40), WAIT);
    await vi.waitFor(async () => expect(await stages[0].queue.counts()).toMatchObject({ waiting: 0, active: 0 }), WAIT);
    expect(done().toSorted()).toEqual(ids.toSorted());
  });
});

describe("the sweeper's loop", () => {
  it("says once that it cannot work, goes on, and ends when told to", async () => {
    const log = createMemoryLog();
    const calls = { inbox: 0 };
    const takeOverInbox = async () => {
      calls.inbox += 1;
      if (calls.inbox <= 2) throw new Error("the database is away");
    };
    const sweeper = startSweeper({ tables: [], takeOverInbox, log });
    await vi.waitFor(() => expect(calls.inbox).toBeGreaterThan(3), WAIT);
    await sweeper.stop();
    const rounds = calls.inbox;
    expect(log.lines.map(({ level }) => level)).toEqual(["warn"]);
    expect(calls).toEqual({ inbox: rounds });
  });
});
