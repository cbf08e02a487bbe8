import { describe, expect, it } from "vitest";
import { usePostgres } from "../../support/postgres.ts";
import { aDelivery, anEnd, aRun, claimOf, saying } from "../../support/rows.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const start = async () => openProcess(await postgres.database());
type Here = Awaited<ReturnType<typeof start>>;

const at = (address: string, message_id?: string) => ({ reply_to: { platform: "telegram", address, ...(message_id && { message_id }) } });
const move = ({ deliveries }: Here, from: string, to: string) => deliveries.move({ kind: "moved", platform: "telegram", from, to });
const places = async ({ rows }: Here) =>
  rows<{ id: string; address: string; message_id: string | null }>(
    "SELECT delivery_id AS id, address, message_id FROM deliveries ORDER BY delivery_id",
  );

async function send(here: Here, id: string, message_id: string, moved_to?: string): Promise<void> {
  const claim = await here.deliveries.claim(id);
  if (!claim) throw new Error(`${id} is not to be had`);
  await here.deliveries.sent(claim, message_id, moved_to);
}

describe("a chat that has another address", () => {
  it("gets what waits, and what comes later, as new messages", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("a", at("-1", "7")));
    await here.deliveries.insert(aDelivery("other", at("-11", "7")));
    for (let time = 0; time < 2; time++) await move(here, "-1", "-1001");
    const [job] = await here.deliveries.insert(aDelivery("b", at("-1", "8")));
    expect(job?.to?.address).toBe("-1001");
    await here.runs.insert(aRun("r"), { delivery: aDelivery("c", { run_id: "r", ...at("-1") }), claim: false });
    const moved = { address: "-1001", message_id: null };
    expect(await places(here)).toEqual([
      ...["a", "b", "c"].map((id) => ({ id, ...moved })),
      { id: "other", address: "-11", message_id: "7" },
    ]);
  });

  it("gets the answer of a run whose message stands in the old one, and keeps what has been said", async () => {
    const here = await start();
    await here.runs.insert(aRun("r"), { delivery: aDelivery("d", { run_id: "r", ...at("-1") }), claim: true });
    await here.deliveries.insert(aDelivery("old", at("-1")));
    await send(here, "d", "7");
    await send(here, "old", "8");
    await move(here, "-1", "-1001");
    const [job] = (await here.runs.finish(await claimOf(here, "r"), anEnd())) ?? [];
    expect(job?.to?.address).toBe("-1001");
    expect(await here.deliveries.claim("d")).toMatchObject({ address: "-1001", message_id: null, reply: saying("the answer") });
    expect(await places(here)).toContainEqual({ id: "old", address: "-1", message_id: "8" });
  });

  it("is followed over several moves, in whatever order they are told", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("a", at("1")));
    for (const [from, to] of [
      ["2", "3"],
      ["1", "2"],
      ["3", "4"],
    ] as const)
      await move(here, from, to);
    await here.deliveries.insert(aDelivery("b", at("2")));
    expect((await places(here)).map(({ address }) => address)).toEqual(["4", "4"]);
  });

  it("may go in circles and to itself: the newest move is right", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("a", at("1")));
    for (const [from, to] of [
      ["1", "1"],
      ["1", "2"],
      ["2", "1"],
      ["1", "2"],
      ["2", "3"],
      ["3", "1"],
    ] as const)
      await move(here, from, to);
    expect((await places(here)).map(({ address }) => address)).toEqual(["1"]);
    const kept = await here.rows<{ address: string; moved_to: string }>("SELECT address, moved_to FROM moved_addresses ORDER BY address");
    expect(kept.filter(({ moved_to }) => kept.some(({ address }) => address === moved_to))).toEqual([]);
  });

  it("takes its topics along", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("a", at("-1:42")));
    await move(here, "-1", "-1001");
    await here.deliveries.insert(aDelivery("b", at("-1:43")));
    await move(here, "-5:9", "-1005:1");
    await here.deliveries.insert(aDelivery("c", at("-5:8")));
    expect((await places(here)).map(({ address }) => address)).toEqual(["-1001", "-1001", "-1005:1"]);
  });

  it("may be found out while a message is sent there, which is then edited in the new one", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("a", at("-1")));
    await send(here, "a", "5", "-1001");
    await move(here, "-1", "-1001");
    expect(await places(here)).toEqual([{ id: "a", address: "-1001", message_id: "5" }]);
    await here.deliveries.insert(aDelivery("b", at("-2")));
    const claim = await here.deliveries.claim("b");
    await move(here, "-2", "-1002");
    if (claim) await here.deliveries.sent(claim, "6");
    expect(await places(here)).toContainEqual({ id: "b", address: "-1002", message_id: null });
  });
});

describe("the page of a message", () => {
  const turn = { kind: "page", delivery_id: "d", page: 2, platform: "telegram", address: "1001" } as const;

  it("is turned where it stands, and sent again as an edit", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("d"));
    expect(await here.deliveries.turnPage(turn)).toEqual([]);
    await send(here, "d", "7");
    await here.rows("UPDATE deliveries SET created_at = now() - interval '89 days'");
    for (const wrong of [{ delivery_id: "x" }, { platform: "webex" }, { address: "1002" }, { page: 1 }])
      expect(await here.deliveries.turnPage({ ...turn, ...wrong })).toEqual([]);
    expect(await here.deliveries.turnPage(turn)).toMatchObject([{ id: "d", job_id: "d-1", delay_ms: 0, to: { address: "1001" } }]);
    expect(await here.deliveries.turnPage(turn)).toEqual([]);
    const claim = await here.deliveries.claim("d");
    expect(claim).toMatchObject({ page: 2, version: 2, message_id: "7" });
    expect(claim?.age_ms).toBeLessThan(86_400_000);
  });

  it("that is turned while it is sent is shown next", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("d"));
    await send(here, "d", "7");
    await here.deliveries.turnPage(turn);
    const claim = await here.deliveries.claim("d");
    expect(await here.deliveries.turnPage({ ...turn, page: 3 })).toEqual([]);
    expect(claim && (await here.deliveries.sent(claim, "7"))).toHaveLength(1);
    expect(await here.deliveries.claim("d")).toMatchObject({ page: 3 });
  });

  it("is the first again when another answer is to stand there, and is not turned after ninety days", async () => {
    const here = await start();
    await here.runs.insert(aRun("r"), { delivery: aDelivery("d", { run_id: "r" }), claim: true });
    await send(here, "d", "7");
    await here.deliveries.turnPage(turn);
    await here.runs.finish(await claimOf(here, "r"), anEnd());
    expect(await here.deliveries.claim("d")).toMatchObject({ page: 1, version: 3 });
    await here.rows("UPDATE deliveries SET created_at = now() - interval '91 days'");
    expect(await here.deliveries.turnPage(turn)).toEqual([]);
  });
});

it("what waits is counted, by lane and state", async () => {
  const here = await start();
  await here.deliveries.insert(aDelivery("a"));
  await here.deliveries.insert(aDelivery("b", { lane: "bulk", delay_ms: 60_000 }));
  await here.deliveries.claim("a");
  const backlog = await here.deliveries.backlog();
  expect(backlog.map(({ lane, state, count }) => [lane, state, count]).toSorted()).toEqual([
    ["bulk", "later", 1],
    ["interactive", "sending", 1],
  ]);
});
