import { describe, expect, it } from "vitest";
import type { ClaimedDelivery } from "../../../core/stores.ts";
import { usePostgres } from "../../support/postgres.ts";
import { aDelivery, anEnd, aRun, claimOf, saying } from "../../support/rows.ts";
import { openGhost, openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const start = async () => openProcess(await postgres.database());
const REFUSED = { code: "upstream_refused", text: { raw: "no \u0000 such chat" } } as const;
const TELEGRAM = { platform: "telegram", address: "1001" };

type Stores = Pick<Awaited<ReturnType<typeof start>>, "deliveries" | "rows">;

async function claimed({ deliveries }: Stores, delivery_id: string): Promise<ClaimedDelivery> {
  const claim = await deliveries.claim(delivery_id);
  if (!claim) throw new Error(`${delivery_id} is not to be had`);
  return claim;
}

async function rowOf({ rows }: Stores, delivery_id: string) {
  const sql = "SELECT status, version, sent_version, message_id, attempts, generation, error FROM deliveries WHERE delivery_id = $1";
  const [row] = await rows<Record<string, unknown>>(sql, delivery_id);
  return row;
}

/** A message of a run that is carried out in this process. */
async function runningMessage(here: Awaited<ReturnType<typeof start>>) {
  const run = aRun("r1");
  await here.runs.insert(run, { delivery: aDelivery("d1", { run_id: "r1", reply: saying("running") }), claim: true });
}

describe("something to be said", () => {
  it("is stored once, with every character", async () => {
    const here = await start();
    const reply = saying("a\u0000b \ud800 <b> 😀");
    const reply_to = { ...TELEGRAM, message_id: "7" };
    expect(await here.deliveries.insert(aDelivery("d1", { reply, reply_to }))).toMatchObject([{ id: "d1", job_id: "d1-0", delay_ms: 0 }]);
    expect(await here.deliveries.insert(aDelivery("d1"))).toEqual([]);
    expect(await claimed(here, "d1")).toMatchObject({
      ...TELEGRAM,
      reply,
      message_id: "7",
      version: 1,
      attempts: 1,
      locale: "en",
      zone: "UTC",
    });
  });

  it("is to be had when it is due, by one", async () => {
    const database = await postgres.database();
    const [here, there] = [await openProcess(database), await openProcess(database)];
    const month_ms = 31 * 86_400_000;
    const [job] = await here.deliveries.insert(aDelivery("later", { delay_ms: month_ms, reply_to: { ...TELEGRAM, address: "1002" } }));
    expect(job).toMatchObject({ id: "later", job_id: "later-0", delay_ms: month_ms });
    await here.deliveries.insert(aDelivery("now"));
    expect(await here.deliveries.locate("later")).toBeNull();
    expect(await here.deliveries.claim("later")).toBeNull();
    expect(await here.deliveries.locate("now")).toEqual({ ...TELEGRAM, lane: "interactive", caused_by: "p1", rest_ms: 0 });
    const claims = await Promise.all([here, there, here, there].map(({ deliveries }) => deliveries.claim("now")));
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
    expect(await here.deliveries.locate("now")).toBeNull();
    expect(await here.deliveries.locate("nothing")).toBeNull();
  });

  it("is done when it is sent", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("d1"));
    expect(await here.deliveries.sent(await claimed(here, "d1"), "77")).toEqual([]);
    expect(await rowOf(here, "d1")).toMatchObject({ status: "sent", version: 1, sent_version: 1, message_id: "77", attempts: 0 });
    expect(await here.deliveries.claim("d1")).toBeNull();
  });

  it("is tried again later, and its tries are counted", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("d1"));
    const [job] = await here.deliveries.postpone(await claimed(here, "d1"), 0.5, REFUSED);
    expect(job).toMatchObject({ id: "d1", job_id: "d1-1", delay_ms: 0.5 });
    const again = await claimed(here, "d1");
    expect(again.attempts).toBe(2);
    await here.deliveries.postpone(again, 60_000, REFUSED);
    expect(await here.deliveries.claim("d1")).toBeNull();
  });

  it("is not tried again once it has failed", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("d1"));
    await here.deliveries.fail(await claimed(here, "d1"), "failed", REFUSED);
    expect(await rowOf(here, "d1")).toMatchObject({
      status: "failed",
      error: { code: "upstream_refused", text: { raw: "no \ufffd such chat" } },
    });
    expect(await here.deliveries.locate("d1")).toBeNull();
    expect(await here.deliveries.due(10, true)).toEqual([]);
  });
});

describe("a newer version", () => {
  it("that came while the older was being sent is sent next, in the same message", async () => {
    const here = await start();
    await runningMessage(here);
    const claim = await claimed(here, "d1");
    await here.runs.finish(await claimOf(here, "r1"), anEnd());
    expect(await here.deliveries.sent(claim, "77")).toMatchObject([{ id: "d1", job_id: "d1-1", delay_ms: 0 }]);
    expect(await rowOf(here, "d1")).toMatchObject({ status: "scheduled", version: 2, sent_version: 1, message_id: "77" });
    const newer = await claimed(here, "d1");
    expect(newer).toMatchObject({ version: 2, message_id: "77", reply: saying("the answer") });
    expect(await here.deliveries.sent(newer, "77")).toEqual([]);
    expect(await rowOf(here, "d1")).toMatchObject({ status: "sent", sent_version: 2 });
  });

  it("that came while the older was refused is tried all the same", async () => {
    const here = await start();
    await runningMessage(here);
    const claim = await claimed(here, "d1");
    await here.runs.finish(await claimOf(here, "r1"), anEnd());
    expect(await here.deliveries.fail(claim, "failed", REFUSED)).toMatchObject([{ id: "d1", job_id: "d1-1", delay_ms: 0 }]);
    expect(await rowOf(here, "d1")).toMatchObject({ status: "scheduled", version: 2 });
  });

  it("of a message that stands opens it again", async () => {
    const here = await start();
    await runningMessage(here);
    await here.deliveries.sent(await claimed(here, "d1"), "77");
    expect(await here.runs.finish(await claimOf(here, "r1"), anEnd())).toMatchObject([{ id: "d1", job_id: "d1-1", delay_ms: 0 }]);
    expect(await claimed(here, "d1")).toMatchObject({ version: 2, message_id: "77" });
  });
});

describe("a process that lost its claim", () => {
  it("still says which message was sent, so that its heir edits that one", async () => {
    const database = await postgres.database();
    const [ghost, there] = [openGhost(database), await openProcess(database)];
    await ghost.deliveries.insert(aDelivery("d1"));
    const claim = await claimed(ghost, "d1");
    expect(await there.deliveries.takeOver()).toMatchObject([{ id: "d1", job_id: "d1-1", delay_ms: 0 }]);
    await ghost.deliveries.sent(claim, "77");
    expect(await rowOf(there, "d1")).toMatchObject({ status: "scheduled", message_id: "77", generation: 1 });
    const heir = await claimed(there, "d1");
    expect(heir.message_id).toBe("77");
    await ghost.deliveries.sent(claim, "78");
    await there.deliveries.sent(heir, "77");
    expect(await rowOf(there, "d1")).toMatchObject({ status: "sent", message_id: "77" });
  });

  it("changes nothing else", async () => {
    const database = await postgres.database();
    const [ghost, there] = [openGhost(database), await openProcess(database)];
    await ghost.deliveries.insert(aDelivery("d1"));
    const claim = await claimed(ghost, "d1");
    await there.deliveries.takeOver();
    const heir = await claimed(there, "d1");
    const before = await rowOf(there, "d1");
    expect(await ghost.deliveries.postpone(claim, 0, REFUSED)).toEqual([]);
    await ghost.deliveries.fail(claim, "failed", REFUSED);
    expect(await rowOf(there, "d1")).toEqual(before);
    await there.deliveries.sent(heir, "77");
  });

  it("by its death is succeeded at once", async () => {
    const database = await postgres.database();
    const [here, there] = [await openProcess(database), await openProcess(database)];
    await here.deliveries.insert(aDelivery("d1"));
    await claimed(here, "d1");
    expect(await there.deliveries.takeOver()).toEqual([]);
    await here.die();
    expect(await there.deliveries.takeOver()).toHaveLength(1);
    expect(await claimed(there, "d1")).toMatchObject({ attempts: 2 });
  });
});
