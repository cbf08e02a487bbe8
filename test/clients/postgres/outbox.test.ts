import { describe, expect, it } from "vitest";
import { createDeliveryFate } from "../../../clients/postgres/outbox.ts";
import { createOutbox } from "../../../jobs/outbox.ts";
import { usePostgres } from "../../support/postgres.ts";
import { aDelivery, saying } from "../../support/rows.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const REFUSED = { code: "upstream_refused", text: { raw: "chat not found" } } as const;
const never = new AbortController().signal;

async function start() {
  const here = await openProcess(await postgres.database());
  const fate = createDeliveryFate(here.pool);
  const jobs: string[] = [];
  const enqueueDeliveries = async (added: readonly { id: string }[]) => void jobs.push(...added.map(({ id }) => id));
  const outbox = createOutbox({ deliveries: here.deliveries, fate, enqueueDeliveries, reaches: () => true });
  const say = () =>
    outbox.say({
      delivery_id: "d1",
      request_id: "q1",
      to: { platform: "telegram", address: "77" },
      caused_by: "p-1",
      reply: saying("hello"),
    });
  const claim = async () => {
    await here.rows("UPDATE deliveries SET due_at = now()");
    const claimed = await here.deliveries.claim("d1");
    if (!claimed) throw new Error("it was not to be had");
    return claimed;
  };
  return { ...here, fate, outbox, say, claim, jobs };
}

describe("a message that a command says", () => {
  it("is there once, and queued once", async () => {
    const here = await start();
    await here.say();
    await here.say();
    expect(here.jobs).toEqual(["d1"]);
    expect(await here.rows("SELECT run_id, platform, address FROM deliveries")).toEqual([
      { run_id: null, platform: "telegram", address: "77" },
    ]);
  });

  it("is waited for until the platform took it", async () => {
    const here = await start();
    await here.say();
    const waited = here.outbox.wait("d1", 30_000, never);
    await here.deliveries.sent(await here.claim(), "9");
    expect(await waited).toEqual({ status: "sent", message_id: "9", error: null });
  });

  it("is waited for no longer than that, or than somebody wants", async () => {
    const here = await start();
    await here.say();
    expect(await here.outbox.wait("d1", 1, never)).toMatchObject({ status: "waiting" });
    expect(await here.outbox.wait("d1", 30_000, AbortSignal.abort())).toMatchObject({ status: "waiting" });
  });

  it("says why the platform refuses it", async () => {
    const here = await start();
    await here.say();
    await here.deliveries.fail(await here.claim(), "failed", REFUSED);
    expect(await here.fate.look("d1")).toEqual({ status: "failed", message_id: null, error: REFUSED });
  });
});

describe("a message that is taken back", () => {
  it("is not sent any more, where nobody tried yet or it was put off", async () => {
    const here = await start();
    await here.say();
    expect(await here.fate.withdraw("d1")).toMatchObject({ status: "withdrawn" });
    expect(await here.deliveries.claim("d1")).toBeNull();
    expect(await here.deliveries.locate("d1")).toBeNull();
    await here.say();
    expect(await here.fate.look("d1")).toMatchObject({ status: "withdrawn" });
  });

  it.each([
    ["rate_limited", "withdrawn"],
    ["upstream_unavailable", "unknown"],
  ] as const)("after a try that ended as %s is %s", async (code, status) => {
    const here = await start();
    await here.say();
    await here.deliveries.postpone(await here.claim(), 0, { code, text: { raw: "x" } });
    expect(await here.fate.withdraw("d1")).toMatchObject({ status });
  });

  it("while it is being sent is not tried again", async () => {
    const here = await start();
    await here.say();
    const claimed = await here.claim();
    expect(await here.fate.withdraw("d1")).toMatchObject({ status: "waiting" });
    await here.deliveries.postpone(claimed, 0, { code: "rate_limited", text: { raw: "x" } });
    expect(await here.fate.look("d1")).toMatchObject({ status: "withdrawn" });
    expect(await here.deliveries.claim("d1")).toBeNull();
  });

  it("is none where it was never said", async () => {
    const here = await start();
    expect(await here.fate.withdraw("d404")).toBeNull();
  });

  it("is left alone while it is being sent, and when it has been", async () => {
    const here = await start();
    await here.deliveries.insert(aDelivery("d1"));
    const claimed = await here.claim();
    expect(await here.fate.withdraw("d1")).toMatchObject({ status: "waiting" });
    await here.deliveries.sent(claimed, "9");
    expect(await here.fate.withdraw("d1")).toMatchObject({ status: "sent", message_id: "9" });
  });
});
