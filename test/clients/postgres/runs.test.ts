import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { usePostgres } from "../../support/postgres.ts";
import { aDelivery, anEnd, aRun, claimOf, saying } from "../../support/rows.ts";
import { openGhost, openProcess, type TestProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const start = async () => openProcess(await postgres.database());
const accepted = { delivery: null, claim: false };
const messageOf = (run_id: string) => aDelivery(`answer-${run_id}`, { run_id, reply: saying("running"), delay_ms: 300 });
/** NUL, and a half of a surrogate pair, in a value and in a key; then what only looks like them. */
const ODD = { "k\u0000": "a\u0000b \ud800 😀", same: "\\u0000 \\\\ud800" };
const MENDED = { "k\ufffd": "a\ufffdb \ufffd 😀", same: "\\u0000 \\\\ud800" };

async function statusOf(here: TestProcess, run_id: string) {
  const [row] = await here.rows("SELECT status, attempts, takeovers, generation, claimed_by FROM runs WHERE run_id = $1", run_id);
  return row;
}

describe("a run that is accepted", () => {
  it("is stored with its message, once for the same request", async () => {
    const here = await start();
    const first = await here.runs.insert(aRun("r1"), { delivery: messageOf("r1"), claim: false });
    expect(first).toMatchObject({ fresh: true, run: { run_id: "r1", status: "accepted", attempts: 0, started_at: null } });
    expect(first.jobs).toMatchObject([{ id: "answer-r1", job_id: "answer-r1-0", delay_ms: 300 }]);
    const again = await here.runs.insert(aRun("r1", { input: { other: true } }), { delivery: messageOf("r1"), claim: true });
    expect(again).toEqual({ fresh: false, claim: null, run: first.run, jobs: [] });
    expect(await here.rows("SELECT 1 FROM deliveries")).toHaveLength(1);
  });

  it("is stored once by many who receive the same request at once", async () => {
    const database = await postgres.database();
    const processes = await Promise.all([1, 2, 3].map(() => openProcess(database)));
    const all = await Promise.all(processes.map(({ runs }) => runs.insert(aRun("r1"), { delivery: messageOf("r1"), claim: true })));
    expect(all.filter(({ fresh }) => fresh)).toHaveLength(1);
    expect(all.map(({ run }) => run.run_id)).toEqual(["r1", "r1", "r1"]);
  });

  it("is refused where its id is another request's", async () => {
    const here = await start();
    await here.runs.insert(aRun("r1"), accepted);
    const other = here.runs.insert(aRun("r1", { request_id: "another" }), { delivery: messageOf("other"), claim: false });
    await expect(other).rejects.toMatchObject({ code: "internal", message: expect.stringContaining("r1") });
    expect(await here.rows("SELECT 1 FROM deliveries")).toEqual([]);
  });

  it("is refused where its person has as many open ones as may be, but found when it comes again", async () => {
    const here = await start();
    await here.runs.insert(aRun("r1"), accepted);
    await here.runs.insert(aRun("r2"), { delivery: null, claim: true });
    await here.runs.insert(aRun("r3", { person_id: "p2" }), accepted);
    const full = { delivery: messageOf("r4"), claim: false, open_max: 2 };
    const refused = here.runs.insert(aRun("r4"), full);
    await expect(refused).rejects.toMatchObject({ code: "rate_limited", retryable: true, text: { params: { limit: 2 } } });
    expect(await here.runs.get("r4")).toBeNull();
    expect(await here.runs.insert(aRun("r1"), full)).toMatchObject({ fresh: false, run: { run_id: "r1" } });
    await here.runs.finish(await claimOf(here, "r2"), anEnd());
    expect(await here.runs.insert(aRun("r4"), full)).toMatchObject({ fresh: true });
  });

  it("takes and gives what jsonb cannot hold", async () => {
    const here = await start();
    await here.runs.insert(aRun("r1", { input: ODD }), { delivery: null, claim: true });
    const error = { code: "internal" as const, text: { raw: ODD.same + ODD["k\u0000"] } };
    expect(await here.runs.finish(await claimOf(here, "r1"), anEnd({ output: ODD, error, status: "failed" }))).toEqual([]);
    const run = await here.runs.get("r1");
    expect(run).toMatchObject({ input: MENDED, output: MENDED, error: { text: { raw: MENDED.same + MENDED["k\ufffd"] } } });
  });
});

describe("a claim", () => {
  it("is one process's", async () => {
    const database = await postgres.database();
    const [here, there] = [await openProcess(database), await openProcess(database)];
    await here.runs.insert(aRun("r1"), accepted);
    const claims = await Promise.all([here, there, here, there].map(({ runs }) => runs.claim("r1")));
    expect(claims.filter((claim) => claim !== null)).toMatchObject([
      { run_id: "r1", request_id: "request-r1", status: "running", attempts: 1, takeovers: 0, locale: "en", zone: "UTC" },
    ]);
    expect(await here.runs.claim("r404")).toBeNull();
  });

  it("is to be had when the run is due, and not after its end", async () => {
    const here = await start();
    for (const run_id of ["r1", "r2"]) await here.runs.insert(aRun(run_id), { delivery: null, claim: true });
    expect(await here.runs.postpone(await claimOf(here, "r1"), 60_000)).toEqual({ id: "r1", job_id: "r1-1", delay_ms: 60_000 });
    expect(await here.runs.postpone(await claimOf(here, "r2"), 0.4)).toEqual({ id: "r2", job_id: "r2-1", delay_ms: 0.4 });
    expect(await here.runs.claim("r1")).toBeNull();
    expect(await here.runs.claim("r2")).toMatchObject({ attempts: 2 });
    await here.runs.finish(await claimOf(here, "r2"), anEnd());
    expect(await here.runs.claim("r2")).toBeNull();
    expect(await here.runs.postpone(await claimOf(here, "r2"), 0)).toBeNull();
  });
});

describe("the end of a run", () => {
  it("is stored together with the answer, which is queued in the place of the running message", async () => {
    const here = await start();
    await here.runs.insert(aRun("r1"), { delivery: messageOf("r1"), claim: true });
    expect(await here.runs.finish(await claimOf(here, "r1"), anEnd())).toMatchObject([
      { id: "answer-r1", job_id: "answer-r1-1", delay_ms: 0 },
    ]);
    expect(await here.runs.get("r1")).toMatchObject({
      status: "succeeded",
      output: { n: 1 },
      error: null,
      finished_at: expect.any(String),
    });
    expect(await here.deliveries.claim("answer-r1")).toMatchObject({ version: 2, reply: saying("the answer") });
    expect(await here.runs.finish(await claimOf(here, "r1"), anEnd({ status: "failed" }))).toBeNull();
  });

  it("gives a message that is being sent a newer version, which its sender queues", async () => {
    const here = await start();
    await here.runs.insert(aRun("r1"), { delivery: messageOf("r1"), claim: true });
    const claim = await here.deliveries.claim("answer-r1");
    if (!claim) throw new Error("the running message is not due");
    expect(await here.runs.finish(await claimOf(here, "r1"), anEnd())).toEqual([]);
    expect(await here.deliveries.sent(claim, "77")).toMatchObject([{ id: "answer-r1", job_id: "answer-r1-1", delay_ms: 0 }]);
    expect(await here.deliveries.claim("answer-r1")).toMatchObject({ version: 2, message_id: "77", reply: saying("the answer") });
  });

  it("is not stored by a process that lost the run to another", async () => {
    const database = await postgres.database();
    const [ghost, there] = [openGhost(database), await openProcess(database)];
    const { claim: lost } = await ghost.runs.insert(aRun("r1"), { delivery: messageOf("r1"), claim: true });
    if (!lost) throw new Error("the run is new");
    await there.runs.takeOver();
    const before = [await statusOf(there, "r1"), await there.rows("SELECT * FROM deliveries")];
    expect(await ghost.runs.finish(lost, anEnd())).toBeNull();
    expect(await ghost.runs.postpone(lost, 0)).toBeNull();
    expect([await statusOf(there, "r1"), await there.rows("SELECT * FROM deliveries")]).toEqual(before);
    expect(await there.runs.claim("r1")).not.toBeNull();
    expect(await ghost.runs.finish(lost, anEnd({ status: "failed" }))).toBeNull();
    expect(await there.runs.finish(await claimOf(there, "r1"), anEnd())).toHaveLength(1);
  });
});

describe("the run of a process that died", () => {
  it("is open again at once; the try is not counted, the takeover is", async () => {
    const database = await postgres.database();
    const [here, there] = [await openProcess(database), await openProcess(database)];
    for (const run_id of ["r1", "r2"]) await here.runs.insert(aRun(run_id), { delivery: null, claim: true });
    await there.runs.insert(aRun("r3"), { delivery: null, claim: true });
    await here.runs.finish(await claimOf(here, "r2"), anEnd());
    expect(await there.runs.takeOver()).toEqual([]);
    await here.die();
    expect(await there.runs.takeOver()).toEqual([{ id: "r1", job_id: "r1-1", delay_ms: 0 }]);
    expect(await there.runs.takeOver()).toEqual([]);
    expect(await statusOf(there, "r1")).toEqual({ status: "accepted", attempts: 0, takeovers: 1, generation: 1, claimed_by: null });
    expect(await there.runs.claim("r1")).toMatchObject({ attempts: 1, takeovers: 1 });
  });
});

describe("looking for lost rows", () => {
  it("finds those whose time it is, once in a while, and all of them when asked", async () => {
    const here = await start();
    for (const run_id of ["r1", "r2"]) await here.runs.insert(aRun(run_id), accepted);
    await here.runs.insert(aRun("r3"), { delivery: null, claim: true });
    expect(await here.runs.due(10, false)).toEqual([]);
    await here.rows("UPDATE runs SET sweep_at = now() - interval '1 second' WHERE run_id = 'r2'");
    expect(await here.runs.due(10, false)).toEqual([{ id: "r2", job_id: "r2-0", delay_ms: 0 }]);
    expect(await here.runs.due(10, false)).toEqual([]);
    expect((await here.runs.due(10, true)).map(({ id }) => id).sort()).toEqual(["r1", "r2"]);
    expect(await here.runs.due(1, true)).toHaveLength(1);
  });

  it("gives a lost row a new job, and says how long that must wait", async () => {
    const here = await start();
    for (const run_id of ["r1", "r2", "r3"]) await here.runs.insert(aRun(run_id), { delivery: null, claim: true });
    const month_ms = 31 * 86_400_000;
    await here.runs.postpone(await claimOf(here, "r1"), month_ms);
    await here.runs.postpone(await claimOf(here, "r2"), 0);
    await here.runs.finish(await claimOf(here, "r3"), anEnd());
    const jobs = await here.runs.requeue(["r1", "r2", "r3", "r404"]);
    expect(jobs.map(({ job_id }) => job_id).sort()).toEqual(["r1-2", "r2-2"]);
    const far = jobs.find(({ id }) => id === "r1")?.delay_ms ?? 0;
    expect(far).toBeLessThanOrEqual(month_ms);
    expect(far).toBeGreaterThan(month_ms - 60_000);
  });
});

describe("a list of runs", () => {
  it("is newest first and goes on where it ended", async () => {
    const here = await start();
    for (const run_id of ["r1", "r2", "r3"]) await here.runs.insert(aRun(run_id), accepted);
    await here.rows("UPDATE runs SET created_at = now() - interval '1 hour' WHERE run_id IN ('r1', 'r2')");
    const [first, second] = await here.runs.list({ person_id: "p1", limit: 2 });
    expect([first?.run_id, second?.run_id]).toEqual(["r3", "r2"]);
    const before = { created_at: second?.created_at ?? "", run_id: "r2" };
    expect((await here.runs.list({ before, limit: 5 })).map(({ run_id }) => run_id)).toEqual(["r1"]);
    expect(await here.runs.list({ status: "failed", limit: 5 })).toEqual([]);
    expect(await here.runs.list({ command: "ping", status: "accepted", limit: 5 })).toHaveLength(3);
  });

  it("reads outputs where they are asked for, and never a large one", async () => {
    const here = await start();
    // What compresses badly, as addresses do.
    const large = { entries: Array.from({ length: 5_000 }, () => randomUUID()) };
    for (const [run_id, output] of [
      ["r1", large],
      ["r2", { said: "hello" }],
    ] as const) {
      await here.runs.insert(aRun(run_id), { delivery: null, claim: true });
      await here.runs.finish(await claimOf(here, run_id), anEnd({ output }));
    }
    await here.runs.insert(aRun("r3"), accepted);
    expect((await here.runs.list({ limit: 9 })).filter((run) => "output" in run)).toEqual([]);
    const listed = await here.runs.listWithOutputs({ limit: 9 });
    expect(listed.map(({ output, output_left_out }) => [output, output_left_out])).toEqual([
      [null, false],
      [{ said: "hello" }, false],
      [null, true],
    ]);
    expect(await here.runs.get("r1")).toMatchObject({ output: large });
  });
});
