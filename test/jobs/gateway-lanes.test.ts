import { describe, expect, it, vi } from "vitest";
import { refusal } from "../support/fake-channel.ts";
import { type GatewayStage, openGateway } from "../support/gateway.ts";
import { usePostgres } from "../support/postgres.ts";
import { aDelivery } from "../support/rows.ts";

const postgres = usePostgres();
const WAIT = { timeout: 30_000, interval: 10 };
const ONE_AT_A_TIME = { all: { calls: 1, window_ms: 60 } };
const open = async (stage: GatewayStage = {}) => openGateway(await postgres.database(), stage);
type Stage = Awaited<ReturnType<typeof open>>;

const to = (address: string, more = {}) => ({ reply_to: { platform: "telegram", address }, caused_by: address, ...more });

async function say({ deliveries, gateway }: Pick<Stage, "deliveries" | "gateway">, id: string, more = {}): Promise<void> {
  await deliveries.insert(aDelivery(id, more));
  await gateway.admit(id);
}

const allSent = (stage: Stage, count: number) =>
  vi.waitFor(async () => expect(Object.values(await stage.statuses())).toEqual(Array(count).fill("sent")), WAIT);

describe("lanes", () => {
  it("answers overtake bulk messages that wait, in their chat and in others", async () => {
    const stage = await open({ limits: ONE_AT_A_TIME });
    const release = stage.channel.hold();
    for (const id of ["m1", "m2", "m3"]) await say(stage, id, to("1", { lane: "bulk" }));
    await vi.waitFor(() => expect(stage.channel.underWay()).toBe(1), WAIT);
    await say(stage, "a1", to("1"));
    await say(stage, "b1", to("2"));
    release();
    await allSent(stage, 5);
    expect(stage.titles().filter((title) => title !== "b1")).toEqual(["m1", "a1", "m2", "m3"]);
    expect(stage.titles().indexOf("b1")).toBeLessThan(3);
    expect(stage.channel.breaches).toEqual([]);
  });

  it("bulk messages use a part of the budget, and answers the rest", async () => {
    const stage = await open({ limits: { all: { calls: 5, window_ms: 60_000 } } });
    for (let chat = 1; chat <= 6; chat++) await say(stage, `m${chat}`, to(String(chat), { lane: "bulk" }));
    await vi.waitFor(() => expect(stage.titles()).toHaveLength(4), WAIT);
    await say(stage, "a1", to("9"));
    await vi.waitFor(() => expect(stage.titles()).toHaveLength(5), WAIT);
    expect(stage.titles().at(-1)).toBe("a1");
  });

  it("bulk messages get through though answers use everything up", async () => {
    const stage = await open({ limits: { all: { calls: 100, window_ms: 60_000 } } });
    for (let chat = 1; chat <= 40; chat++) await stage.deliveries.insert(aDelivery(`a${chat}`, to(String(chat))));
    await stage.deliveries.insert(aDelivery("m1", to("m", { lane: "bulk" })));
    const jobs = [...Array.from({ length: 40 }, (_, chat) => `a${chat + 1}`), "m1"].map((id) => {
      const address = id === "m1" ? "m" : id.slice(1);
      const lane = id === "m1" ? ("bulk" as const) : ("interactive" as const);
      return { id, job_id: `${id}-0`, delay_ms: 0, to: { platform: "telegram", address, lane, caused_by: address } };
    });
    stage.gateway.handOver(jobs);
    await allSent(stage, 41);
    expect(stage.titles().indexOf("m1")).toBeLessThan(20);
  });
});

describe("people", () => {
  it("who cause much delay others by one message", async () => {
    const stage = await open({ limits: ONE_AT_A_TIME });
    const release = stage.channel.hold();
    for (let chat = 1; chat <= 12; chat++) await say(stage, `ann${chat}`, to(`a${chat}`, { caused_by: "ann" }));
    await vi.waitFor(() => expect(stage.channel.underWay()).toBe(1), WAIT);
    await say(stage, "bob1", to("b1", { caused_by: "bob" }));
    release();
    await allSent(stage, 13);
    expect(stage.titles().indexOf("bob1")).toBeLessThan(4);
    expect(stage.titles().filter((title) => title !== "bob1")).toEqual(Array.from({ length: 12 }, (_, chat) => `ann${chat + 1}`));
  });
});

describe("two gateways on one store", () => {
  it("keep the order of a chat and send one message at a time there, though nothing else holds them up", async () => {
    const database = await postgres.database();
    const [here, there] = [await openGateway(database), await openGateway(database)];
    const ids = Array.from({ length: 60 }, (_, index) => `m${String(index).padStart(2, "0")}`);
    for (const id of ids) await here.deliveries.insert(aDelivery(id));
    await Promise.all(ids.map((id, index) => (index % 2 ? here : there).gateway.admit(id)));
    await allSent(here, 60);
    const calls = [here, there].flatMap((stage) => stage.channel.calls.map((call) => call));
    expect(calls.toSorted((a, b) => a.at - b.at || a.title.localeCompare(b.title)).map(({ title }) => title)).toEqual(ids);
  });

  it("both let a chat rest that was too fast for one of them", async () => {
    const database = await postgres.database();
    const [here, there] = [await openGateway(database), await openGateway(database)];
    here.channel.script(refusal.slowDown(1_500));
    await say(here, "a1");
    await vi.waitFor(async () => expect((await here.rows("SELECT 1 FROM deliveries WHERE error IS NOT NULL")).length).toBe(1), WAIT);
    await say(there, "a2");
    await allSent(here, 2);
    const sent = [here, there].flatMap((stage) => stage.channel.calls).toSorted((a, b) => a.at - b.at);
    expect(sent.map(({ title }) => title).slice(0, 2)).toEqual(["a1", "a1"]);
    expect(sent.map(({ title }) => title).at(-1)).toBe("a2");
    expect(here.counted).toContain("limited");
  });
});

describe("a rest of the whole token", () => {
  it("that one process was told holds the others too, from that moment", async () => {
    const database = await postgres.database();
    const [here, there] = [await openGateway(database), await openGateway(database)];
    here.channel.script(refusal.slowDown(1_500), refusal.slowDown(1_500));
    await say(here, "a1", to("1"));
    await say(here, "b1", to("2"));
    await vi.waitFor(async () => expect(await here.rows("SELECT 1 FROM deliveries WHERE error IS NOT NULL")).toHaveLength(2), WAIT);
    const [told = 0] = here.channel.calls.map(({ at }) => at).toSorted((a, b) => b - a);
    for (const [at, id] of ["c1", "d1", "e1"].entries()) await say(there, id, to(String(at + 3)));
    await allSent(here, 5);
    for (const { at } of there.channel.calls) expect(at - told).toBeGreaterThanOrEqual(1_300);
  });
});

describe("a message that the platform fails on", () => {
  it("is waited for by those behind it in its chat, and by nobody else", async () => {
    const stage = await open();
    stage.channel.script(refusal.forNow(), refusal.forNow());
    const [first] = [await stage.deliveries.insert(aDelivery("a1", to("1")))];
    expect(first).toHaveLength(1);
    await stage.gateway.admit("a1");
    await vi.waitFor(() => expect(stage.titles()).toHaveLength(1), WAIT);
    await say(stage, "a2", to("1"));
    await allSent(stage, 2);
    expect(stage.titles()).toEqual(["a1", "a1", "a1", "a2"]);
  });

  it("is overtaken when it has failed for half a minute", async () => {
    const stage = await open();
    stage.channel.script(refusal.forNow());
    await say(stage, "a1", to("1"));
    await vi.waitFor(async () => expect(await stage.rows("SELECT 1 FROM deliveries WHERE error IS NOT NULL")).toHaveLength(1), WAIT);
    await stage.gateway.stop();
    await stage.rows("UPDATE deliveries SET first_failed_at = now() - interval '31 seconds', due_at = now() + interval '1 hour'");
    await stage.deliveries.insert(aDelivery("a2", to("1")));
    expect(await stage.deliveries.claim("a2")).toMatchObject({ delivery_id: "a2" });
  });

  it("rests the token when chats are told one after the other", async () => {
    const stage = await open();
    stage.channel.script(refusal.slowDown(1_200), refusal.slowDown(1_200));
    await say(stage, "a1", to("1"));
    await say(stage, "b1", to("2"));
    await vi.waitFor(() => expect(stage.titles().toSorted()).toEqual(["a1", "b1"]), WAIT);
    await vi.waitFor(async () => expect(await stage.rows("SELECT 1 FROM deliveries WHERE error IS NOT NULL")).toHaveLength(2), WAIT);
    await say(stage, "c1", to("3"));
    await allSent(stage, 3);
    const [told = 0, other = 0] = ["b1", "c1"].map((title) => stage.channel.calls.find((call) => call.title === title)?.at);
    expect(other - told).toBeGreaterThanOrEqual(1_100);
  });
});
