import { describe, expect, it } from "vitest";
import { usePostgres } from "../../support/postgres.ts";
import { aDelivery, anEnd, aRun, claimOf } from "../../support/rows.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const plain = { delivery: null, claim: false };
const joining = (run_id: string) => aRun(run_id, { dedupe_key: "same" });

describe("a run with a dedupe_key", () => {
  it("is joined while it is open, with no second message", async () => {
    const here = await openProcess(await postgres.database());
    await here.runs.insert(joining("r1"), { delivery: aDelivery("d1"), claim: false });
    const { run, fresh, jobs } = await here.runs.insert(joining("r2"), { delivery: aDelivery("d2"), claim: false });
    expect({ id: run.run_id, fresh, jobs }).toEqual({ id: "r1", fresh: false, jobs: [] });
    expect(await here.rows("SELECT delivery_id FROM deliveries")).toEqual([{ delivery_id: "d1" }]);
    await here.runs.claim("r1");
    expect((await here.runs.insert(joining("r3"), plain)).run.run_id).toBe("r1");
  });

  it("is no more once it has ended", async () => {
    const here = await openProcess(await postgres.database());
    await here.runs.insert(joining("r1"), { delivery: null, claim: true });
    await here.runs.finish(await claimOf(here, "r1"), anEnd());
    expect((await here.runs.insert(joining("r2"), plain)).run.run_id).toBe("r2");
    // The request that made the first comes again: it is that run, though another is open.
    expect((await here.runs.insert(joining("r1"), plain)).run).toMatchObject({ run_id: "r1", status: "succeeded" });
  });

  it("is one when it is asked for by two processes at once", async () => {
    const database = await postgres.database();
    const processes = [await openProcess(database), await openProcess(database)];
    const made = await Promise.all(Array.from({ length: 20 }, (_, at) => processes[at % 2]?.runs.insert(joining(`r${at}`), plain)));
    expect(new Set(made.map((each) => each?.run.run_id)).size).toBe(1);
    expect(made.filter((each) => each?.fresh)).toHaveLength(1);
  });

  it("is always found or made, however often the open one ends meanwhile", async () => {
    const here = await openProcess(await postgres.database());
    const ending = (async () => {
      for (let at = 0; at < 30; at++) {
        const { run } = await here.runs.insert(joining(`a${at}`), plain);
        await here.runs.claim(run.run_id);
        await here.runs.finish(await claimOf(here, run.run_id), anEnd());
      }
    })();
    const asking = Promise.all(Array.from({ length: 30 }, (_, at) => here.runs.insert(joining(`b${at}`), plain)));
    const [, made] = await Promise.all([ending, asking]);
    expect(made.every(({ run }) => /^[ab]\d+$/.test(run.run_id))).toBe(true);
  });

  it("is joined also by somebody who has as many open runs as may be", async () => {
    const here = await openProcess(await postgres.database());
    await here.runs.insert(joining("r1"), plain);
    expect((await here.runs.insert(joining("r2"), { ...plain, open_max: 1 })).run.run_id).toBe("r1");
  });

  it("leaves runs without one alone", async () => {
    const here = await openProcess(await postgres.database());
    for (const id of ["r1", "r2"]) expect((await here.runs.insert(aRun(id), plain)).fresh).toBe(true);
  });
});
