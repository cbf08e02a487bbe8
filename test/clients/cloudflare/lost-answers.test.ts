import { describe, expect, it } from "vitest";
import { createMemoryLog } from "../../support/memory-log.ts";
import { CALL, refusalOf, startFake, TOKEN, ZONE } from "./fake.ts";

const RULE = { scope: ZONE, network: "203.0.113.7", notes: "Switchboard run 1" } as const;
const LOST = { status: 0, drop: true };
const BROKEN = { status: 500 };
const LOCKED = { status: 429, headers: { "retry-after": "7" } };
/** Once, and as often as the SDK asks again. */
const thrice = <T>(fault: T): readonly T[] => [fault, fault, fault];
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (thrown: { code: string }) => thrown.code,
  );

describe("a rule that was asked for, and the answer is lost", () => {
  it("is one rule, made by us", async () => {
    const log = createMemoryLog();
    const { cloudflare, edge } = await startFake({ log });
    cloudflare.fail(LOST);
    expect(await edge.block(RULE, CALL)).toMatchObject({ created: true, rule: { notes: RULE.notes } });
    expect(cloudflare.rules).toHaveLength(1);
    cloudflare.fail(LOST, { status: 502 }, { status: 502 });
    expect(await edge.block({ ...RULE, network: "203.0.113.0/24" }, CALL)).toMatchObject({ created: true });
    expect(cloudflare.calls.slice(-4)).toEqual(["POST", "POST", "POST", "GET"]);
    expect(log.lines).toMatchObject([{ message: expect.stringContaining("answer was lost"), fields: { network: "203.0.113.0/24" } }]);
  });

  it.each([
    ["the connection is cut", [...thrice(LOST), ...thrice(BROKEN)], 3],
    ["and then too much is asked: it is not even looked up", [LOST, LOCKED], 0],
  ])("%s: nobody knows, while it cannot be looked up either", async (_, faults, looks) => {
    const { cloudflare, edge } = await startFake();
    cloudflare.fail(...faults);
    expect(await codeOf(edge.block(RULE, CALL))).toBe("outcome_unknown");
    expect(cloudflare.calls.filter((method) => method === "GET")).toHaveLength(looks);
  });

  it("was not made where Cloudflare says so", async () => {
    const { cloudflare, edge } = await startFake();
    cloudflare.fail(...thrice(BROKEN));
    expect(await codeOf(edge.block(RULE, CALL))).toBe("upstream_unavailable");
  });

  it("and an account that asked too much is known when it may be looked up", async () => {
    const { cloudflare, edge } = await startFake();
    cloudflare.fail(...thrice(LOST), LOCKED);
    expect(await refusalOf(edge.block(RULE, CALL))).toMatchObject({ code: "outcome_unknown", retry_after_ms: 7_000 });
    expect(cloudflare.rules).toHaveLength(1);
  });

  it("is a duplicate at the second try: whose, nobody knows while it cannot be looked up", async () => {
    const { cloudflare, edge } = await startFake();
    cloudflare.fail(LOST, { status: 0 }, ...thrice(BROKEN));
    expect(await codeOf(edge.block(RULE, CALL))).toBe("outcome_unknown");
    expect(await edge.block(RULE, CALL)).toMatchObject({ created: true });
  });

  it("that never left is no open question", async () => {
    const { cloudflare, edgeWith } = await startFake();
    const edge = edgeWith({ token: TOKEN, base_url: cloudflare.baseUrl() });
    await cloudflare.stop();
    expect(await codeOf(edge.block(RULE, CALL))).toBe("upstream_unavailable");
    expect(await codeOf(edge.release({ scope: ZONE, rule_id: "rule-1" }, CALL))).toBe("upstream_unavailable");
    await cloudflare.start();
  });
});

describe("a rule that was to be deleted, and the answer is lost", () => {
  it("is gone where Cloudflare says so", async () => {
    const { cloudflare, edge } = await startFake();
    const { rule } = await edge.block(RULE, CALL);
    cloudflare.fail(LOST, { status: 502 }, { status: 502 });
    expect(await codeOf(edge.release(rule, CALL))).toBe("done");
    expect(cloudflare.calls.slice(1)).toEqual(["DELETE", "DELETE", "DELETE", "GET"]);
  });

  it("is still there where Cloudflare says so", async () => {
    const { cloudflare, edge } = await startFake();
    const { rule } = await edge.block(RULE, CALL);
    cloudflare.fail(...thrice(BROKEN));
    expect(await codeOf(edge.release(rule, CALL))).toBe("upstream_unavailable");
  });

  it("is nobody knows what, while it cannot be looked up", async () => {
    const { cloudflare, edge } = await startFake();
    const { rule } = await edge.block(RULE, CALL);
    cloudflare.fail(LOST, { status: 502 }, { status: 502 }, ...thrice(BROKEN));
    expect(await codeOf(edge.release(rule, CALL))).toBe("outcome_unknown");
    expect(cloudflare.rules).toEqual([]);
  });
});
