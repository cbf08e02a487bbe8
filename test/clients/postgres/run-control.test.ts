import { describe, expect, it } from "vitest";
import { brokenOffEnd, cancelledEnd } from "../../../core/cancelled.ts";
import { wordsOf } from "../../../core/run.ts";
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

  it("and was told to wait when it had begun, is one that was tried", async () => {
    const here = await start();
    const claim = await here.runs.claim("r1");
    if (claim) await here.runs.postpone(claim, 60_000, false);
    expect(await here.stop()).toMatchObject({ run: { status: "unknown", attempts: 0 } });
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

describe("a run that waits to see whether its words were taken", () => {
  const { delivery_id } = wordsOf("r1");

  /** Between its first and second try. */
  async function between() {
    const here = await start();
    const claim = await here.runs.claim("r1");
    await here.deliveries.insert(aDelivery(delivery_id, { reply_to: { platform: "telegram", address: "77" } }));
    if (claim) await here.runs.postpone(claim, 60_000);
    const send = async () => {
      await here.rows("UPDATE deliveries SET due_at = now()");
      const sending = await here.deliveries.claim(delivery_id);
      if (!sending) throw new Error("it was not to be had");
      return sending;
    };
    const words = async () => (await here.rows<{ status: string }>("SELECT status FROM deliveries WHERE run_id IS NULL"))[0]?.status;
    return { ...here, send, words };
  }
  const FAILED = { code: "upstream_unavailable", text: { raw: "away" } } as const;
  const TOO_FAST = { code: "rate_limited", text: { raw: "slow down" } } as const;

  it("is cancelled, and they are never said", async () => {
    const here = await between();
    expect(await here.stop()).toMatchObject({ run: { status: "cancelled", error: { code: "cancelled" } }, jobs: [{ id: "d1" }] });
    expect(await here.message()).toMatchObject({ reply: ENDS.untouched.reply });
    expect(await here.words()).toBe("cancelled");
    expect(await here.deliveries.claim(delivery_id)).toBeNull();
  });

  it("also where the platform had told them to wait", async () => {
    const here = await between();
    await here.deliveries.postpone(await here.send(), 60_000, TOO_FAST);
    expect(await here.stop()).toMatchObject({ run: { status: "cancelled" } });
    expect(await here.words()).toBe("cancelled");
  });

  it("ends as what nobody knows where a try may have come through", async () => {
    const here = await between();
    await here.deliveries.postpone(await here.send(), 0, FAILED);
    expect(await here.stop()).toMatchObject({ run: { status: "unknown", error: { code: "outcome_unknown" } } });
    expect(await here.message()).toMatchObject({ reply: ENDS.begun.reply });
    expect(await here.words()).toBe("unknown");
    await here.rows("UPDATE deliveries SET due_at = now()");
    expect(await here.deliveries.claim(delivery_id)).toBeNull();
  });

  it("ends so too where they are being sent; that try is the last one", async () => {
    const here = await between();
    const sending = await here.send();
    expect(await here.stop()).toMatchObject({ run: { status: "unknown" } });
    await here.deliveries.postpone(sending, 0, FAILED);
    expect(await here.words()).toBe("unknown");
    expect(await here.deliveries.due(10, true)).not.toContainEqual(expect.objectContaining({ id: delivery_id }));
  });

  it("and where they have been sent", async () => {
    const here = await between();
    const sending = await here.send();
    await here.stop();
    await here.deliveries.sent(sending, "9");
    expect(await here.words()).toBe("sent");
    expect(await here.row()).toMatchObject({ status: "unknown" });
  });

  it("and does not have them sent again when their sender dies", async () => {
    const here = await between();
    const dying = await openProcess(here.database);
    await here.rows("UPDATE deliveries SET due_at = now()");
    await dying.deliveries.claim(delivery_id);
    await here.stop();
    await dying.die();
    await here.deliveries.takeOver();
    expect(await here.words()).toBe("unknown");
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
