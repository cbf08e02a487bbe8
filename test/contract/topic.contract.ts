import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Topic } from "../../core/ports.ts";
import type { KeptLog } from "./queue-support.ts";

/** A way to publish and subscribe, which can be disturbed. */
export interface TopicStage {
  readonly log: KeptLog;
  /** The topic as another process would open it. */
  open(): Topic;
  /** Ends the connections that listen, from the server's side. @returns how many those were */
  killListeners(): Promise<number>;
  cut(): Promise<void>;
  mend(): Promise<void>;
  freeze(): void;
  thaw(): void;
  end(): Promise<void>;
}

/** What the port Topic promises, whatever carries the messages. */
export function topicContract(setUp: () => Promise<TopicStage>): void {
  let stage: TopicStage;
  let here: Topic;
  let there: Topic;
  let heard: string[];
  const hear = (message: string) => void heard.push(message);
  const comesTo = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 20 });
  /** Publishes until it is heard: nothing is promised for what is published while nobody can hear it. */
  const getsThrough = (id: string) =>
    comesTo(async () => {
      await there.publish(id, "after");
      expect(heard).toContain("after");
    });

  beforeEach(async () => {
    stage = await setUp();
    here = stage.open();
    there = stage.open();
    heard = [];
  });
  afterEach(async () => {
    stage.thaw();
    await Promise.all([here.close(), there.close()]);
    await stage.end();
  });

  it("carries messages in order to every listener of the id, and to no other", async () => {
    await here.subscribe("a", (message) => hear(`first ${message}`));
    await here.subscribe("a", (message) => hear(`second ${message}`));
    await there.subscribe("a", (message) => hear(`there ${message}`));
    await here.subscribe("b", (message) => hear(`wrong ${message}`));
    await there.publish("a", "1");
    await there.publish("a", "2");
    await comesTo(() => expect(heard).toHaveLength(6));
    expect(heard.filter((line) => line.startsWith("first"))).toEqual(["first 1", "first 2"]);
    expect(heard.filter((line) => line.startsWith("second"))).toEqual(["second 1", "second 2"]);
    expect(heard.filter((line) => line.startsWith("there"))).toEqual(["there 1", "there 2"]);
  });

  it("ends one subscription and leaves the others", async () => {
    const leave = await here.subscribe("a", hear);
    const leaveAgain = await here.subscribe("a", hear);
    await leave();
    await leave();
    await there.publish("a", "1");
    await comesTo(() => expect(heard).toEqual(["1"]));
    await leaveAgain();
    await here.subscribe("other", hear);
    await there.publish("a", "2");
    await there.publish("other", "3");
    await comesTo(() => expect(heard).toEqual(["1", "3"]));
    await here.subscribe("a", hear);
    await there.publish("a", "4");
    await comesTo(() => expect(heard).toEqual(["1", "3", "4"]));
  });

  it.each([
    ["run:1", ""],
    ["채팅 \n '\"\\", 'a\u0000b\n\u{1f600}"\\u0000'],
    ["x", "{}"],
  ])("carries id %j with message %j as it is", async (id, message) => {
    await here.subscribe(id, hear);
    await there.publish(id, message);
    await comesTo(() => expect(heard).toEqual([message]));
  });

  it("refuses a message of more than 7,500 bytes, and carries one that just fits", async () => {
    await here.subscribe("a", hear);
    const fits = "x".repeat(7_500 - JSON.stringify({ id: "a", message: "" }).length);
    await expect(there.publish("a", `${fits}x`)).rejects.toMatchObject({ code: "too_large" });
    await expect(there.publish("a", "\u{1f600}".repeat(2_000))).rejects.toMatchObject({ code: "too_large" });
    await there.publish("a", fits);
    await comesTo(() => expect(heard).toEqual([fits]));
  });

  it("is not disturbed by a listener that fails", async () => {
    await here.subscribe("a", () => {
      throw new Error("a bad listener");
    });
    await here.subscribe("a", hear);
    await there.publish("a", "1");
    await there.publish("a", "2");
    await comesTo(() => expect(heard).toEqual(["1", "2"]));
  });

  it("listens again when its connection was ended", async () => {
    await here.subscribe("a", hear);
    expect(await stage.killListeners()).toBe(1);
    await getsThrough("a");
    expect(stage.log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(stage.log.lines.filter(({ level }) => level === "info")).toHaveLength(1);
  });

  it("refuses within 2 s while the store is away, and listens again when it is back", async () => {
    await here.subscribe("a", hear);
    await stage.cut();
    await expect(there.publish("a", "lost")).rejects.toMatchObject({ code: "unavailable" });
    await expect(there.subscribe("a", hear)).rejects.toMatchObject({ code: "unavailable" });
    await stage.mend();
    await getsThrough("a");
    heard = [];
    await there.publish("a", "once");
    await comesTo(() => expect(heard.filter((message) => message === "once")).toEqual(["once"]));
  });

  it("refuses within 2 s while the store is deaf", async () => {
    await there.publish("a", "nobody hears");
    stage.freeze();
    const refusals = await Promise.allSettled([there.publish("a", "lost"), there.subscribe("a", hear)]);
    expect(refusals.map((refusal) => refusal.status === "rejected" && refusal.reason.code)).toEqual(["unavailable", "unavailable"]);
    stage.thaw();
    await comesTo(() => here.subscribe("a", hear));
    await getsThrough("a");
  });
}
