import { describe, expect, it, vi } from "vitest";
import type { DeliveryStore } from "../../core/stores.ts";
import { sweep } from "../../jobs/sweeper.ts";
import { type Break, breakable } from "../support/breakable.ts";
import { refusal } from "../support/fake-channel.ts";
import { type GatewayStage, openGateway } from "../support/gateway.ts";
import { usePostgres } from "../support/postgres.ts";
import { aDelivery, anEnd, aRun, claimOf, saying } from "../support/rows.ts";

const postgres = usePostgres();
const WAIT = { timeout: 20_000, interval: 10 };
const REFUSED = new Error("the disk is full");
const open = async (stage: GatewayStage = {}) => openGateway(await postgres.database(), stage);
type Stage = Awaited<ReturnType<typeof open>>;

const toChat = (address: string, more = {}) => ({ reply_to: { platform: "telegram", address }, ...more });

/** Stores messages and admits them one after the other. */
async function say({ deliveries, gateway }: Stage, address: string, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    await deliveries.insert(aDelivery(id, toChat(address)));
    await gateway.admit(id);
  }
}

const allSent = (stage: Stage, count: number) =>
  vi.waitFor(async () => expect(Object.values(await stage.statuses())).toEqual(Array(count).fill("sent")), WAIT);

describe("messages", () => {
  it("of one chat go out in their order, one at a time, those of others beside them", async () => {
    const stage = await open();
    const release = stage.channel.hold();
    await say(stage, "1", "a1", "a2", "a3");
    await say(stage, "2", "b1", "b2");
    await vi.waitFor(() => expect(stage.titles().toSorted()).toEqual(["a1", "b1"]), WAIT);
    release();
    await allSent(stage, 5);
    expect(stage.titles().filter((title) => title.startsWith("a"))).toEqual(["a1", "a2", "a3"]);
    expect(stage.channel.breaches).toEqual([]);
  });

  it("keep the budgets of the token and of the chat", async () => {
    const stage = await open({ limits: { all: { calls: 3, window_ms: 400 }, chat: { calls: 1, window_ms: 400 } } });
    await Promise.all([say(stage, "1", "a1", "a2"), say(stage, "2", "b1", "b2"), say(stage, "3", "c1"), say(stage, "4", "d1")]);
    await allSent(stage, 6);
    expect(stage.channel.breaches).toEqual([]);
    expect(stage.channel.calls).toHaveLength(6);
  });

  it("are sent once, however often they are admitted", async () => {
    const stage = await open();
    await say(stage, "1", "a1", "a2");
    await Promise.all(["a1", "a2", "a1"].map((id) => stage.gateway.admit(id)));
    await allSent(stage, 2);
    await stage.gateway.admit("a1");
    expect(stage.titles()).toEqual(["a1", "a2"]);
  });

  it("for a platform that is not here are left alone", async () => {
    const stage = await open();
    await stage.deliveries.insert(aDelivery("w1", { reply_to: { platform: "webex", address: "1" } }));
    await stage.gateway.admit("w1");
    expect(await stage.statuses()).toEqual({ w1: "scheduled" });
  });
});

describe("an answer", () => {
  it("is sent in the place of a running message that was not sent yet", async () => {
    const stage = await open({ limits: { chat: { calls: 1, window_ms: 300 } } });
    const running = aDelivery("d1", toChat("1", { run_id: "r1", reply: saying("running") }));
    await say(stage, "1", "first");
    await stage.runs.insert(aRun("r1"), { delivery: running, claim: true });
    await stage.gateway.admit("d1");
    await stage.enqueueDeliveries((await stage.runs.finish(await claimOf(stage, "r1"), anEnd())) ?? []);
    await allSent(stage, 2);
    expect(stage.titles()).toEqual(["first", "the answer"]);
  });

  it("edits the running message that stands, also when it came while that was being sent", async () => {
    const stage = await open();
    const release = stage.channel.hold();
    const running = aDelivery("d1", toChat("1", { run_id: "r1", reply: saying("running") }));
    await stage.runs.insert(aRun("r1"), { delivery: running, claim: true });
    await stage.gateway.admit("d1");
    await vi.waitFor(() => expect(stage.channel.underWay()).toBe(1), WAIT);
    await stage.enqueueDeliveries((await stage.runs.finish(await claimOf(stage, "r1"), anEnd())) ?? []);
    release();
    await vi.waitFor(() => expect(stage.titles()).toEqual(["running", "the answer"]), WAIT);
    await allSent(stage, 1);
    expect(stage.channel.calls.map(({ message_id }) => message_id)).toEqual([null, "1"]);
  });
});

describe("a message that is not taken", () => {
  it("for good has failed, and the next goes out", async () => {
    const stage = await open();
    stage.channel.script(refusal.forGood());
    await say(stage, "1", "a1", "a2");
    await vi.waitFor(async () => expect(await stage.statuses()).toEqual({ a1: "failed", a2: "sent" }), WAIT);
    expect(stage.log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  it("for now is sent later", async () => {
    const stage = await open();
    stage.channel.script(refusal.forNow(), refusal.forNow());
    await say(stage, "1", "a1");
    await allSent(stage, 1);
    expect(stage.titles()).toEqual(["a1", "a1", "a1"]);
    expect(stage.jobs.map(({ job_id }) => job_id)).toEqual(["a1-1", "a1-2"]);
  });

  it("because it came too fast is the next of its chat, after as long as it was told to wait", async () => {
    const stage = await open();
    stage.channel.script(refusal.slowDown(1_200));
    await say(stage, "1", "a1", "a2", "a3");
    await vi.waitFor(() => expect(stage.titles()).toHaveLength(1), WAIT);
    await say(stage, "2", "b1");
    await allSent(stage, 4);
    expect(stage.titles().filter((title) => title.startsWith("a"))).toEqual(["a1", "a1", "a2", "a3"]);
    expect(stage.titles().slice(0, 2)).toEqual(["a1", "b1"]);
    const [refused, again] = stage.channel.calls.filter(({ title }) => title === "a1");
    expect((again?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(1_190);
  });

  it("for a day is given up", async () => {
    const stage = await open();
    stage.channel.script(refusal.forNow());
    await stage.deliveries.insert(aDelivery("a1", toChat("1")));
    await stage.rows("UPDATE deliveries SET created_at = now() - interval '25 hours'");
    await stage.gateway.admit("a1");
    await vi.waitFor(async () => expect(await stage.statuses()).toEqual({ a1: "failed" }), WAIT);
  });
});

describe("the end of the process", () => {
  it("waits for what is being sent and sends no more", async () => {
    const stage = await open();
    const release = stage.channel.hold();
    await say(stage, "1", "a1", "a2");
    await vi.waitFor(() => expect(stage.channel.underWay()).toBe(1), WAIT);
    const stopped = stage.gateway.stop();
    release();
    await stopped;
    expect(await stage.statuses()).toEqual({ a1: "sent", a2: "scheduled" });
    await stage.gateway.admit("a2");
    expect(stage.titles()).toEqual(["a1"]);
  });

  it("does not wait for a budget", async () => {
    const stage = await open({ limits: { chat: { calls: 1, window_ms: 3_600_000 } } });
    await say(stage, "1", "a1", "a2");
    await vi.waitFor(async () => expect(await stage.statuses()).toMatchObject({ a1: "sent" }), WAIT);
    await stage.gateway.stop();
    expect(await stage.statuses()).toEqual({ a1: "sent", a2: "scheduled" });
  });
});

/** A store one of whose methods fails so many times. */
const failing = (method: keyof DeliveryStore, how: Break) => (store: DeliveryStore) => {
  const broken = breakable(store);
  broken.breaks(method, how);
  return broken;
};

describe("while the database is away", () => {
  it("a claim is asked for again", async () => {
    const stage = await open({ between: failing("claim", { times: 1 }) });
    await say(stage, "1", "a1", "a2");
    await allSent(stage, 2);
    expect(stage.titles()).toEqual(["a1", "a2"]);
  });

  it("a claim that was stored without our knowing is taken over from ourselves, once its time has come", async () => {
    const stage = await open({ between: failing("claim", { times: 1, after: true }) });
    await say(stage, "1", "a1", "a2");
    await vi.waitFor(async () => expect(await stage.statuses()).toEqual({ a1: "sending", a2: "sent" }), WAIT);
    expect(await stage.deliveries.takeOver()).toEqual([]);
    await stage.rows("UPDATE deliveries SET sweep_at = now() - interval '1 second'");
    await stage.enqueueDeliveries(await stage.deliveries.takeOver());
    await allSent(stage, 2);
    expect(stage.titles()).toEqual(["a2", "a1"]);
  });

  it("what was sent is stored as soon as it can be, and not sent again", async () => {
    const stage = await open({ between: failing("sent", { times: 2 }) });
    await say(stage, "1", "a1");
    await allSent(stage, 1);
    expect(stage.titles()).toEqual(["a1"]);
  });

  it("a message that failed is not forgotten", async () => {
    const stage = await open({ between: failing("postpone", { times: 1 }) });
    stage.channel.script(refusal.forNow());
    await say(stage, "1", "a1");
    await allSent(stage, 1);
    expect(stage.titles()).toEqual(["a1", "a1"]);
  });
});

describe("when the database refuses", () => {
  it("a message is left to those that come after it in its chat, or to the sweeper", async () => {
    const stage = await open({ between: failing("claim", { times: 1, error: REFUSED }) });
    await say(stage, "1", "a1");
    await vi.waitFor(() => expect(stage.log.lines.filter(({ level }) => level === "warn")).toHaveLength(1), WAIT);
    expect(await stage.statuses()).toEqual({ a1: "scheduled" });
    await say(stage, "1", "a2");
    await allSent(stage, 2);
    expect(stage.titles()).toEqual(["a1", "a2"]);
  });

  it("the sweeper brings it back", async () => {
    const stage = await open({ between: failing("claim", { times: 1, error: REFUSED }) });
    await say(stage, "1", "a1");
    await vi.waitFor(() => expect(stage.log.lines.filter(({ level }) => level === "warn")).toHaveLength(1), WAIT);
    const queue = { waiting: async () => new Set<string>() };
    const tables = [{ rows: stage.deliveries, queue, enqueue: stage.enqueueDeliveries }];
    await sweep({ tables, takeOverInbox: async () => undefined }, true);
    await allSent(stage, 1);
  });

  it("what is admitted at that moment is sent all the same", async () => {
    let breakClaim = (_error: Error) => {};
    const claimed = new Promise<never>((_resolve, reject) => {
      breakClaim = reject;
    });
    let claims = 0;
    const between = (store: DeliveryStore): DeliveryStore => ({
      ...store,
      claim: (id) => (claims++ === 0 ? claimed : store.claim(id)),
    });
    const stage = await open({ between });
    await say(stage, "1", "a1");
    await vi.waitFor(() => expect(claims).toBe(1), WAIT);
    const admitted = say(stage, "1", "a2");
    breakClaim(REFUSED);
    await admitted;
    await allSent(stage, 2);
    expect(stage.titles()).toEqual(["a1", "a2"]);
  });
});
