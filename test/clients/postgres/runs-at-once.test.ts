import { describe, expect, it } from "vitest";
import { usePostgres } from "../../support/postgres.ts";
import { aDelivery, anEnd, aRun, claimOf, saying } from "../../support/rows.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const start = async () => openProcess(await postgres.database());
const accepted = { delivery: null, claim: false };
const messageOf = (run_id: string) => aDelivery(`answer-${run_id}`, { run_id, reply: saying("running"), delay_ms: 300 });

describe("a run among many that are stored at once", () => {
  it("is one of many that come at once, each with its own message, and the refused ones take nobody with them", async () => {
    const here = await start();
    await here.runs.insert(aRun("taken"), accepted);
    const given = [
      ...Array.from({ length: 20 }, (_, at) => aRun(`m${at}`, { person_id: `p${at}` })),
      ...[aRun("m3", { person_id: "p3" }), aRun("taken", { request_id: "another" })],
    ];
    const made = await Promise.allSettled(given.map((run) => here.runs.insert(run, { delivery: messageOf(run.run_id), claim: false })));
    expect(made.slice(0, 20).every((one) => one.status === "fulfilled" && one.value.fresh && one.value.jobs.length === 1)).toBe(true);
    expect(made.slice(20)).toMatchObject([{ value: { fresh: false, jobs: [] } }, { reason: { code: "internal" } }]);
    expect(await here.rows("SELECT count(*)::int AS n FROM deliveries JOIN runs USING (run_id)")).toEqual([{ n: 20 }]);
  });

  it("is claimed once, though it is asked for twice at once, and ends once", async () => {
    const here = await start();
    for (const id of ["r1", "r2"]) await here.runs.insert(aRun(id), { delivery: messageOf(id), claim: false });
    const claims = await Promise.all(["r1", "r2", "r1", "gone"].map((id) => here.runs.claim(id)));
    expect(claims.map((run) => run?.run_id)).toEqual(["r1", "r2", undefined, undefined]);
    const held = await claimOf(here, "r1");
    const ends = await Promise.all([
      here.runs.finish(held, anEnd()),
      here.runs.finish({ ...held, generation: 7 }, anEnd()),
      here.runs.finish(await claimOf(here, "r2"), anEnd()),
    ]);
    expect(ends.map((jobs) => jobs?.length)).toEqual([1, undefined, 1]);
  });

  it("may be ended once more by the same claim, for the answer may have been lost: nothing changes, and the message is left to the sweeper", async () => {
    const here = await start();
    await here.runs.insert(aRun("r1"), { delivery: messageOf("r1"), claim: true });
    const held = await claimOf(here, "r1");
    expect(await here.runs.finish(held, anEnd())).toHaveLength(1);
    expect(await here.runs.finish(held, anEnd({ output: { n: 2 } }))).toEqual([]);
    expect(await here.runs.finish(held, anEnd({ status: "failed" }))).toBeNull();
    expect(await here.runs.get("r1")).toMatchObject({ status: "succeeded", output: { n: 1 } });
  });
});
