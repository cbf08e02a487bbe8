import { describe, expect, it } from "vitest";
import { brokenOffEnd, cancelledEnd } from "../../../core/cancelled.ts";
import { usePostgres } from "../../support/postgres.ts";
import { aDelivery, anEnd, aRun, claimOf } from "../../support/rows.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const RUN = { run_id: "r1", command: "ping" };
const ENDS = { untouched: cancelledEnd(RUN, "telegram:9"), begun: brokenOffEnd(RUN, "telegram:9", "write") };
const BY = "telegram:9";

/** A process, and a run that waits for its worker. */
async function start() {
  const database = await postgres.database();
  const here = await openProcess(database);
  await here.runs.insert(aRun("r1"), { delivery: aDelivery("d1", { run_id: "r1" }), claim: false });
  const row = async () => (await here.rows<Record<string, unknown>>("SELECT * FROM runs WHERE run_id = 'r1'"))[0];
  const message = async () => (await here.rows<Record<string, unknown>>("SELECT * FROM deliveries WHERE delivery_id = 'd1'"))[0];
  return { ...here, database, row, message, stop: (by = BY) => here.runs.stop("r1", by, ENDS) };
}

describe("a run that waits", () => {
  it("ends at once with its message, and never starts", async () => {
    const here = await start();
    expect(await here.stop()).toMatchObject({
      run: { status: "cancelled", error: { code: "cancelled" } },
      jobs: [{ id: "d1", job_id: "d1-1" }],
    });
    expect(await here.row()).toMatchObject({ status: "cancelled", cancelled_by: BY, finished_at: expect.any(Date), claimed_by: null });
    expect(await here.message()).toMatchObject({ reply: ENDS.untouched.reply, version: 2, status: "scheduled" });
    expect(await here.runs.claim("r1", true)).toBeNull();
    expect([await here.runs.takeOver(), await here.runs.due(10, true), await here.runs.requeue(["r1"])]).toEqual([[], [], []]);
  });

  it("ends as what nobody knows when it was tried before", async () => {
    const here = await start();
    const claim = await here.runs.claim("r1");
    if (claim) await here.runs.postpone(claim, 60_000);
    expect(await here.stop()).toMatchObject({ run: { status: "unknown" } });
    expect(await here.message()).toMatchObject({ reply: ENDS.begun.reply });
  });

  it("that has ended stays as it is", async () => {
    const here = await start();
    await here.runs.claim("r1");
    await here.runs.finish(await claimOf(here, "r1"), anEnd());
    expect(await here.stop()).toBeNull();
    expect(await here.row()).toMatchObject({ status: "succeeded", cancelled_by: null });
    expect(await here.runs.stop("r404", BY, ENDS)).toBeNull();
  });

  it("is claimed or ends, not both, when a worker comes at the same moment", async () => {
    const here = await start();
    const there = await openProcess(here.database);
    for (let run = 2; run < 40; run++) {
      const run_id = `r${run}`;
      await here.runs.insert(aRun(run_id), { delivery: null, claim: false });
      const [claim, stopped] = await Promise.all([there.runs.claim(run_id), here.runs.stop(run_id, BY, ENDS)]);
      expect([run_id, stopped?.run.status]).toEqual([run_id, claim ? "running" : "cancelled"]);
      expect(await here.runs.stopping([run_id])).toEqual(claim ? new Map([[run_id, BY]]) : new Map());
    }
  });
});

describe("a run at work", () => {
  it("keeps its claim and bears the wish of whoever was first", async () => {
    const here = await start();
    await here.runs.claim("r1");
    expect(await here.stop()).toMatchObject({ run: { status: "running", finished_at: null }, jobs: [] });
    await here.stop("telegram:10");
    expect(await here.row()).toMatchObject({ status: "running", cancelled_by: BY });
    expect(await here.message()).toMatchObject({ version: 1 });
    expect(await here.runs.stopping(["r1", "r2"])).toEqual(new Map([["r1", BY]]));
    expect(await here.runs.stoppedBy("r1")).toBe(BY);
    expect(await here.runs.finish(await claimOf(here, "r1"), ENDS.begun)).toHaveLength(1);
    expect(await here.runs.stopping(["r1"])).toEqual(new Map());
  });

  it("that is given back is due at once, and claimed with the wish", async () => {
    const here = await start();
    const claim = await here.runs.claim("r1");
    await here.stop();
    if (claim) expect(await here.runs.postpone(claim, 60_000)).toMatchObject({ delay_ms: 0 });
    expect(await here.runs.claim("r1")).toMatchObject({ cancelled_by: BY });
  });

  it("whose process died is taken over with the wish", async () => {
    const here = await start();
    const dying = await openProcess(here.database);
    await dying.runs.claim("r1");
    await here.stop();
    await dying.die();
    expect(await here.runs.takeOver()).toHaveLength(1);
    expect(await here.runs.claim("r1")).toMatchObject({ cancelled_by: BY, takeovers: 1 });
  });
});
