import { describe, expect, it, vi } from "vitest";
import { idFrom } from "../../core/run.ts";
import type { DeliveryStore } from "../../core/stores.ts";
import { breakable } from "../support/breakable.ts";
import { openGateway } from "../support/gateway.ts";
import { usePostgres } from "../support/postgres.ts";
import { aDelivery, saying } from "../support/rows.ts";

const postgres = usePostgres();
const WAIT = { timeout: 20_000, interval: 10 };
const file = { name: "blocks.csv", media_type: "text/csv", content: "ip\n203.0.113.7\n" } as const;
const withFile = { reply: { ...saying("1 address"), file }, lane: "bulk" } as const;

describe("an answer with a file", () => {
  it("is two messages, of which the file is the second", async () => {
    const stage = await openGateway(await postgres.database());
    await stage.deliveries.insert(aDelivery("d", withFile));
    await stage.gateway.admit("d");
    await vi.waitFor(() => expect(stage.titles()).toEqual(["1 address", "blocks.csv"]), WAIT);
    await vi.waitFor(async () => expect(await stage.statuses()).toEqual({ d: "sent", [idFrom("file:d")]: "sent" }), WAIT);
    expect(stage.channel.sent.map(({ reply }) => reply.file)).toEqual([undefined, file]);
    const rows = await stage.rows("SELECT lane, caused_by, address, run_id FROM deliveries ORDER BY seq");
    expect(rows).toEqual(Array(2).fill({ lane: "bulk", caused_by: "p1", address: "1001", run_id: null }));
  });

  it("sends the file once, however often the page of the answer is turned", async () => {
    const stage = await openGateway(await postgres.database());
    await stage.deliveries.insert(aDelivery("d", withFile));
    await stage.gateway.admit("d");
    await vi.waitFor(() => expect(stage.titles()).toHaveLength(2), WAIT);
    const turn = { kind: "page", delivery_id: "d", page: 2, platform: "telegram", address: "1001" } as const;
    await vi.waitFor(async () => expect(await stage.statuses()).toMatchObject({ d: "sent" }), WAIT);
    await stage.enqueueDeliveries(await stage.deliveries.turnPage(turn));
    await vi.waitFor(() => expect(stage.titles()).toEqual(["1 address", "blocks.csv", "1 address"]), WAIT);
    expect(stage.channel.sent.map(({ page, message_id }) => [page, message_id])).toEqual([
      [1, null],
      [1, null],
      [2, "1"],
    ]);
  });

  it("keeps its file when we cannot say that it was sent", async () => {
    const between = (store: DeliveryStore) => {
      const broken = breakable(store);
      broken.breaks("sent", { error: new Error("the process dies here") });
      return broken;
    };
    const stage = await openGateway(await postgres.database(), { between });
    await stage.deliveries.insert(aDelivery("d", withFile));
    await stage.gateway.admit("d");
    await vi.waitFor(async () => expect(await stage.statuses()).toEqual({ d: "sending", [idFrom("file:d")]: "scheduled" }), WAIT);
  });
});

describe("a chat that turns out to have moved", () => {
  it("gets what waits at its new address", async () => {
    const stage = await openGateway(await postgres.database());
    stage.channel.moves("-1", "-1001");
    await stage.deliveries.insert(aDelivery("a", { ...withFile, reply_to: { platform: "telegram", address: "-1" } }));
    await stage.deliveries.insert(aDelivery("b", { reply_to: { platform: "telegram", address: "-1" } }));
    for (const id of ["a", "b"]) await stage.gateway.admit(id);
    await vi.waitFor(async () => expect(Object.values(await stage.statuses())).toEqual(["sent", "sent", "sent"]), WAIT);
    const rows = await stage.rows<{ address: string }>("SELECT address FROM deliveries");
    expect(rows.map(({ address }) => address)).toEqual(Array(3).fill("-1001"));
    expect(stage.channel.calls.slice(1).map(({ address }) => address)).not.toContain("-1");
  });
});
