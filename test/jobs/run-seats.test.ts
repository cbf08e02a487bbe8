import { expect, it, vi } from "vitest";
import type { Person } from "../../core/request.ts";
import type { Job } from "../../core/stores.ts";
import { createRunAcceptor } from "../../jobs/acceptor.ts";
import { createSeats } from "../../jobs/run-seats.ts";
import type { WorkOnRun } from "../../jobs/run-worker.ts";
import { createTestClock } from "../support/clock.ts";
import { createMemoryDeliveries } from "../support/memory-deliveries.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { createMemoryRuns } from "../support/memory-runs.ts";
import { aDelivery, anEnd, aRun } from "../support/rows.ts";

const ANN: Person = { person_id: "p1", name: "Ann", role: "operator", locale: null, zone: null };
const seen = (holds: () => boolean) => vi.waitFor(() => expect(holds()).toBe(true), { interval: 1 });

/** A process whose work on each run lasts until the test ends it. */
function open(at_once = 2) {
  const clock = createTestClock();
  const runs = createMemoryRuns(clock, createMemoryDeliveries(clock));
  const [log, stop] = [createMemoryLog(), new AbortController()];
  const jobs: Job[] = [];
  const working = new Map<string, { begun: Parameters<WorkOnRun>[1]; end: (error?: Error) => Promise<void> }>();
  const work: WorkOnRun = (run_id, begun) =>
    new Promise<void>((resolve, reject) => {
      const end = async (error?: Error) => {
        working.delete(run_id);
        if (begun) await runs.finish(begun.run, anEnd());
        if (error) reject(error);
        else resolve();
      };
      working.set(run_id, { begun, end });
    });
  const person = { now: ANN as Person | null };
  const identify = async () => person.now;
  const enqueueRuns = async (added: readonly Job[]) => void jobs.push(...added);
  const seats = createSeats({ work, identify, at_once, log, enqueueRuns, stopping: stop.signal });
  const deps = { runs, enqueueRuns, enqueueDeliveries: async () => {}, log, stopping: stop.signal, seats: () => seats };
  const accept = (run_id: string) => createRunAcceptor(deps).accept(aRun(run_id), aDelivery(`d-${run_id}`, { run_id }), 50);
  return { person, runs, jobs, log, stop, seats, working, accept };
}

it("a run that was stored here begins at once, for whoever asked as they are by then, and gets its job while it lasts", async () => {
  const { accept, working, jobs, runs } = open();
  expect(await accept("r1")).toMatchObject({ status: "running", attempts: 1 });
  expect(working.get("r1")?.begun?.run).toMatchObject({ run_id: "r1", generation: 0, cancelled_by: null });
  expect(await working.get("r1")?.begun?.person).toEqual(ANN);
  await seen(() => jobs.length === 1);
  expect(jobs).toEqual([{ id: "r1", job_id: "r1-0", delay_ms: 0 }]);
  await working.get("r1")?.end();
  expect(await runs.get("r1")).toMatchObject({ status: "succeeded" });
});

it("one that is over by then gets none", async () => {
  const { accept, working, jobs } = open();
  await accept("r1");
  await working.get("r1")?.end();
  await accept("r2");
  await seen(() => jobs.length > 0);
  expect(jobs.map(({ id }) => id)).toEqual(["r2"]);
});

it("its job joins it, and is done when it is", async () => {
  const { accept, working, seats } = open();
  await accept("r1");
  let joined = true;
  const job = seats.work("r1").then(() => {
    joined = false;
  });
  await new Promise(setImmediate);
  expect([joined, working.size]).toEqual([true, 1]);
  await working.get("r1")?.end();
  await job;
});

it("where as many are worked on as may be, a run waits in the queue; those whose jobs have come take seats, too", async () => {
  const { accept, working, seats, jobs } = open(2);
  const elsewhere = seats.work("from elsewhere");
  await accept("r1");
  expect(await accept("r2")).toMatchObject({ status: "accepted" });
  expect(jobs.map(({ id }) => id)).toEqual(["r2"]);
  await working.get("from elsewhere")?.end();
  await elsewhere;
  expect(await accept("r3")).toMatchObject({ status: "running" });
});

it("a request that comes again takes no seat", async () => {
  const { accept, working } = open(2);
  await accept("r1");
  for (let times = 0; times < 5; times++) await accept("r1");
  expect(await accept("r2")).toMatchObject({ status: "running" });
  expect([...working.keys()]).toEqual(["r1", "r2"]);
});

it("what could not be worked on leaves its seat, and the log says so", async () => {
  const { accept, working, log, seats } = open(1);
  await accept("r1");
  await working.get("r1")?.end(new Error("the database is away"));
  await seen(() => log.lines.length === 1);
  expect(log.lines).toMatchObject([{ level: "warn", fields: { run_id: "r1" } }]);
  expect(seats.take("telegram:1")).not.toBeNull();
});

it("a process that stops begins nothing any more, and waits for what it has begun", async () => {
  const { accept, working, seats, stop } = open();
  await accept("r1");
  const closed = seats.close();
  expect(await accept("r2")).toMatchObject({ status: "accepted" });
  await working.get("r1")?.end();
  await closed;
  const other = open();
  other.stop.abort();
  expect([other.seats.take("telegram:1"), stop.signal.aborted]).toEqual([null, false]);
});
