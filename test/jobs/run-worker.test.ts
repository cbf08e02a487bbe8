import { describe, expect, it, vi } from "vitest";
import type { Command } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import type { CommandPorts } from "../../core/ports.ts";
import { createRegistry } from "../../core/registry.ts";
import type { Person } from "../../core/request.ts";
import type { AuditEntry, Job, RunStore } from "../../core/stores.ts";
import { createRunWorker } from "../../jobs/run-worker.ts";
import { breakable } from "../support/breakable.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { aDelivery, aRun, saying } from "../support/rows.ts";
import { openProcess } from "../support/stores.ts";
import { testCommand, testTexts, vault } from "../support/test-commands.ts";

const postgres = usePostgres();
const WAIT = { timeout: 20_000, interval: 10 };
const ANN: Person = { person_id: "p1", name: "Ann", role: "operator", locale: null, zone: null };
const queued = { mode: "queued", timeout_ms: 5_000, attempts: 3 } as const;
const AWAY = new OpsError("upstream_unavailable", "no answer");

/** A worker on a database of its own, whose command does what the test says. */
async function open(handle: (attempt: number) => Promise<string> | string, special: Partial<Command> = {}) {
  const here = await openProcess(await postgres.database());
  const runs = breakable<RunStore>(here.runs);
  const audit = breakable({ lines: [] as AuditEntry[], append: async (entry: AuditEntry) => void audit.lines.push(entry) });
  const jobs: { readonly runs: Job[]; readonly deliveries: Job[] } = { runs: [], deliveries: [] };
  const person = { now: ANN as Person | null };
  const stop = new AbortController();
  const echo = testCommand({ execution: queued, ...special, handle: async (_words, { attempt }) => ({ said: await handle(attempt) }) });
  const work = createRunWorker({
    ...{ runs, audit, log: createMemoryLog(), stopping: stop.signal },
    registry: createRegistry([echo, vault], testTexts()),
    ports: { clock: { now: () => new Date() } } as CommandPorts,
    enqueueRuns: async (added) => void jobs.runs.push(...added),
    enqueueDeliveries: async (added) => void jobs.deliveries.push(...added),
    identify: async () => person.now,
  });
  const accept = (more = {}) =>
    here.runs.insert(aRun("r1", { command: "echo", input: { words: "hello" }, ...more }), {
      delivery: aDelivery("d1", { run_id: "r1", reply: saying("running"), delay_ms: 300 }),
      claim: false,
    });
  await accept();
  /** Works until nothing is queued, waiting for nothing. */
  const workThrough = async () => {
    for (let times = 0; times < 10 && (await here.runs.get("r1"))?.finished_at === null; times++) {
      await here.rows("UPDATE runs SET due_at = now()");
      await work("r1");
    }
  };
  const answer = async () => (await here.rows<{ reply: object }>("SELECT reply FROM deliveries"))[0]?.reply;
  return { ...here, breaks: runs.breaks, audit, jobs, person, stop, work, accept, workThrough, answer, run: () => here.runs.get("r1") };
}

describe("a run", () => {
  it("is carried out once; its end, its answer and its line in the audit are stored", async () => {
    const calls: number[] = [];
    const here = await open((attempt) => `said ${calls.push(attempt)}`);
    await Promise.all([here.work("r1"), here.work("r1"), here.work("r404")]);
    expect(calls).toEqual([1]);
    expect(await here.run()).toMatchObject({ status: "succeeded", output: { said: "said 1" }, attempts: 1 });
    expect(await here.answer()).toEqual(saying("said 1"));
    expect(here.jobs).toMatchObject({ runs: [], deliveries: [{ id: "d1", job_id: "d1-1", delay_ms: 0 }] });
    expect(here.audit.lines).toMatchObject([
      { action: "run", command: "echo", outcome: "succeeded", run_id: "r1", request_id: "request-r1" },
    ]);
  });

  it("that fails for now is tried again later, as often as its command says", async () => {
    const here = await open((attempt) => (attempt < 3 ? Promise.reject(AWAY) : "at last"));
    await here.work("r1");
    expect(here.jobs.runs).toMatchObject([{ id: "r1", job_id: "r1-1" }]);
    expect(await here.run()).toMatchObject({ status: "accepted", attempts: 1 });
    await here.workThrough();
    expect(await here.run()).toMatchObject({ status: "succeeded", attempts: 3 });
  });

  it("that fails to the last has failed, with the reason for the person", async () => {
    const here = await open(() => Promise.reject(AWAY));
    await here.workThrough();
    expect(await here.run()).toMatchObject({ status: "failed", attempts: 3, error: { code: "upstream_unavailable" } });
    expect(await here.answer()).toMatchObject({ tone: "error", title: { key: "errors.upstream_unavailable" } });
  });

  it.each<[string, Partial<Command>, object]>([
    ["that changes something and takes too long is unknown", { effect: "write" }, { status: "unknown", error: { code: "timeout" } }],
    ["that reads and takes too long has failed", { effect: "read" }, { status: "failed", error: { code: "timeout" } }],
  ])("%s", async (_name, special, end) => {
    const here = await open(() => new Promise(() => undefined), { ...special, execution: { ...queued, timeout_ms: 20, attempts: 1 } });
    await here.work("r1");
    expect(await here.run()).toMatchObject(end);
  });
});

describe("a run is not carried out", () => {
  it("for somebody who may not do it any more, or is nobody", async () => {
    for (const now of [{ ...ANN, role: null }, null]) {
      const here = await open(() => "done");
      here.person.now = now;
      await here.work("r1");
      expect(await here.run()).toMatchObject({ status: "failed", error: { code: "forbidden" }, output: null });
    }
  });

  it("whose command is no more, or whose input does not fit it any more", async () => {
    const here = await open(() => "done");
    await here.rows("UPDATE runs SET command = 'of an older release'");
    await here.work("r1");
    expect(await here.run()).toMatchObject({ status: "failed", error: { code: "unknown_command" } });
    const other = await open(() => "done");
    await other.rows(`UPDATE runs SET input = '{"words": 7}'`);
    await other.work("r1");
    expect(await other.run()).toMatchObject({ status: "failed", error: { code: "invalid_input" } });
  });

  it("by yet another process when too many have died of it", async () => {
    const here = await open(() => "done");
    await here.rows("UPDATE runs SET takeovers = 21");
    await here.work("r1");
    expect(await here.run()).toMatchObject({ status: "unknown", error: { code: "outcome_unknown" } });
  });

  it("keeps a secret out of the audit", async () => {
    const here = await open(() => "done");
    await here.rows(`UPDATE runs SET command = 'vault_set', input = '{"user": "kim", "password": "hunter22"}'`);
    await here.work("r1");
    expect(await here.run()).toMatchObject({ status: "succeeded" });
    expect(here.audit.lines).toMatchObject([{ input: { user: "kim", password: "***" } }]);
  });
});

describe("when the process stops", () => {
  it("what runs is given back for another to do", async () => {
    const here = await open(() => new Promise(() => undefined));
    const working = here.work("r1");
    await vi.waitFor(async () => expect(await here.run()).toMatchObject({ status: "running" }), WAIT);
    here.stop.abort();
    await working;
    expect(await here.run()).toMatchObject({ status: "accepted", error: null });
    expect(here.jobs.runs).toMatchObject([{ job_id: "r1-1", delay_ms: 0 }]);
  });
});

describe("while the database is away", () => {
  it.each(["finish", "append"] as const)("what was done is stored as soon as it can be, and not done again: %s", async (method) => {
    const calls: number[] = [];
    const here = await open((attempt) => `said ${calls.push(attempt)}`);
    if (method === "append") here.audit.breaks("append", { times: 1 });
    else here.breaks(method, { times: 2 });
    await here.work("r1");
    expect(await here.run()).toMatchObject({ status: "succeeded" });
    expect([calls, here.audit.lines.length]).toEqual([[1], 1]);
  });

  it("a run that failed is given back as soon as it can be", async () => {
    const here = await open((attempt) => (attempt === 1 ? Promise.reject(AWAY) : "at last"));
    here.breaks("postpone", { times: 1 });
    await here.workThrough();
    expect(await here.run()).toMatchObject({ status: "succeeded", attempts: 2 });
  });

  it("a claim whose answer was lost leaves the run to be done", async () => {
    const here = await open(() => "done");
    here.breaks("claim", { times: 1, after: true });
    await here.work("r1").catch(() => undefined);
    expect(await here.runs.takeOver()).toEqual([]);
    await here.rows("UPDATE runs SET sweep_at = now() - interval '1 second'");
    expect(await here.runs.takeOver()).toMatchObject([{ id: "r1" }]);
    await here.workThrough();
    expect(await here.run()).toMatchObject({ status: "succeeded" });
  });

  it("a claim lost to another stores nothing", async () => {
    const here = await open(async () => {
      await here.rows("UPDATE runs SET claimed_by = 2000000000");
      return "done";
    });
    await here.work("r1");
    expect(await here.run()).toMatchObject({ status: "running", output: null });
    expect([here.audit.lines, here.jobs.deliveries]).toEqual([[], []]);
  });
});
