import { expect, it } from "vitest";
import { brokenOffEnd } from "../../core/cancelled.ts";
import type { Job } from "../../core/stores.ts";
import { createRunAcceptor } from "../../jobs/acceptor.ts";
import { createEnqueue } from "../../jobs/enqueue.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { aDelivery, anEnd, aRun } from "../support/rows.ts";
import { openProcess } from "../support/stores.ts";

const postgres = usePostgres();

async function open() {
  const here = await openProcess(await postgres.database());
  const jobs: string[] = [];
  const enqueue = (table: string) => async (added: readonly Job[]) => {
    const stored = await here.rows("SELECT run_id AS id FROM runs UNION SELECT delivery_id FROM deliveries");
    // A worker may have a job as soon as it is queued.
    for (const { id, job_id, delay_ms } of added)
      jobs.push(`${table} ${job_id} ${delay_ms} ${stored.some((row) => "id" in row && row.id === id)}`);
  };
  const shared = { log: createMemoryLog(), stopping: new AbortController().signal };
  const deps = { ...shared, runs: here.runs, enqueueRuns: enqueue("runs"), enqueueDeliveries: enqueue("deliveries") };
  return { ...here, jobs, deps, acceptor: createRunAcceptor(deps) };
}

it("a run and its message are stored, then queued; the same request again changes nothing", async () => {
  const { acceptor, jobs } = await open();
  const message = aDelivery("d1", { run_id: "r1", delay_ms: 300 });
  expect(await acceptor.accept(aRun("r1"), message, 50)).toMatchObject({ run_id: "r1", status: "accepted" });
  expect(jobs.toSorted()).toEqual(["deliveries d1-0 300 true", "runs r1-0 0 true"]);
  expect(await acceptor.accept(aRun("r1", { input: { other: 1 } }), message, 50)).toMatchObject({ input: {} });
  expect(jobs).toHaveLength(2);
});

it("a run whose asker waits for it has no message", async () => {
  const { acceptor, jobs } = await open();
  await acceptor.accept(aRun("r1"), null, 50);
  expect(jobs).toEqual(["runs r1-0 0 true"]);
});

it("a run that was accepted stays accepted though the queue is away", async () => {
  const { deps, runs } = await open();
  const log = createMemoryLog();
  const away = async () => Promise.reject(new Error("connection refused"));
  const nothing = { waiting: async () => new Set<string>(), work: away, counts: away, close: async () => undefined };
  const acceptor = createRunAcceptor({ ...deps, enqueueRuns: createEnqueue({ ...nothing, add: away }, log) });
  expect(await acceptor.accept(aRun("r1"), null, 50)).toMatchObject({ status: "accepted" });
  expect(await runs.due(10, true)).toMatchObject([{ job_id: "r1-0" }]);
  expect(log.lines).toMatchObject([{ level: "warn", fields: { jobs: 1 } }]);
});

it("a run that is carried out at once is stored before and after, and begins once", async () => {
  const { acceptor, runs, jobs } = await open();
  const { run, claim } = await acceptor.begin(aRun("r1"));
  expect(run).toMatchObject({ status: "running", attempts: 1 });
  expect(await acceptor.begin(aRun("r1"))).toMatchObject({ claim: null, run: { status: "running" } });
  if (claim) await acceptor.end(claim, anEnd());
  expect(await acceptor.begin(aRun("r1"))).toMatchObject({ claim: null, run: { status: "succeeded", output: { n: 1 } } });
  expect([jobs, (await runs.get("r1"))?.finished_at]).toEqual([[], expect.any(String)]);
});

it("a run that is carried out at once, and was cancelled when its process died, is not begun again", async () => {
  const { acceptor, runs, rows } = await open();
  await acceptor.begin(aRun("r1"));
  const end = brokenOffEnd({ run_id: "r1", command: "ping" }, "telegram:9", "write");
  await runs.stop("r1", "telegram:9", { untouched: end, begun: end });
  acceptor.letGo("r1");
  await rows("UPDATE runs SET sweep_at = now()");
  expect(await runs.takeOver()).toHaveLength(1);
  expect(await acceptor.begin(aRun("r1"))).toMatchObject({ claim: null, run: { status: "unknown", error: { code: "outcome_unknown" } } });
  expect(await runs.get("r1")).toMatchObject({ status: "unknown", finished_at: expect.any(String) });
});
