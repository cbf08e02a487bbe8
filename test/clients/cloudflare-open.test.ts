import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCloudflareEdge } from "../../clients/cloudflare.ts";
import type { Edge } from "../../core/ports.ts";
import { createCloudflareFake, TOKEN } from "./cloudflare-fake.ts";

const IP = "203.0.113.7";
const NOTES = "Switchboard run 1";
const LOST = { status: 0, drop: true };
const BROKEN = { status: 500 };
/** Once, and as often as the SDK asks again. */
const thrice = <T>(fault: T): readonly T[] => [fault, fault, fault];

let cloudflare: ReturnType<typeof createCloudflareFake>;
let edge: Edge;
const { signal } = new AbortController();
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (thrown: { code: string }) => thrown.code,
  );

beforeEach(async () => {
  cloudflare = createCloudflareFake();
  await cloudflare.start();
  edge = createCloudflareEdge({ token: TOKEN, zone_id: "zone-1", base_url: cloudflare.baseUrl() });
});
afterEach(() => cloudflare.stop());

describe("a rule that was asked for, and the answer is lost", () => {
  it.each([
    ["the connection is cut", thrice(LOST)],
    ["and then too much is asked", [LOST, { status: 429, headers: { "retry-after": "7" } }]],
  ])("%s: nobody knows, while it cannot be looked up either", async (_, faults) => {
    cloudflare.fail(...faults, ...thrice(BROKEN));
    expect(await codeOf(edge.block(IP, NOTES, signal))).toBe("outcome_unknown");
    expect(cloudflare.calls.filter((method) => method === "GET")).toHaveLength(3);
  });

  it("was not made where Cloudflare says so", async () => {
    cloudflare.fail(...thrice(BROKEN));
    expect(await codeOf(edge.block(IP, NOTES, signal))).toBe("upstream_unavailable");
  });

  it("and an account that asked too much is known when it may be looked up", async () => {
    cloudflare.fail(...thrice(LOST), { status: 429, headers: { "retry-after": "7" } });
    await expect(edge.block(IP, NOTES, signal)).rejects.toMatchObject({ code: "outcome_unknown", retry_after_ms: 7_000 });
    expect(cloudflare.rules).toHaveLength(1);
  });

  it("is a duplicate at the second try: whose, nobody knows while it cannot be looked up", async () => {
    cloudflare.fail(LOST);
    expect(await edge.block(IP, NOTES, signal)).toMatchObject({ created: true });
    cloudflare.fail(LOST, { status: 0 }, ...thrice(BROKEN));
    expect(await codeOf(edge.block(IP, NOTES, signal))).toBe("outcome_unknown");
  });

  it("that never left is no open question", async () => {
    const base_url = cloudflare.baseUrl();
    await cloudflare.stop();
    const down = createCloudflareEdge({ token: TOKEN, zone_id: "zone-1", base_url });
    expect(await codeOf(down.block(IP, NOTES, signal))).toBe("upstream_unavailable");
    expect(await codeOf(down.release("rule-1", signal))).toBe("upstream_unavailable");
    await cloudflare.start();
  });
});

describe("a rule that was to be deleted, and the answer is lost", () => {
  it("is gone where Cloudflare says so", async () => {
    const { rule } = await edge.block(IP, NOTES, signal);
    cloudflare.fail(LOST, { status: 502 }, { status: 502 });
    expect(await codeOf(edge.release(rule.rule_id, signal))).toBe("done");
    expect(cloudflare.calls.slice(1)).toEqual(["DELETE", "DELETE", "DELETE", "GET"]);
  });

  it("is still there where Cloudflare says so", async () => {
    const { rule } = await edge.block(IP, NOTES, signal);
    cloudflare.fail(...thrice(BROKEN));
    expect(await codeOf(edge.release(rule.rule_id, signal))).toBe("upstream_unavailable");
  });

  it("is nobody knows what, while it cannot be looked up", async () => {
    const { rule } = await edge.block(IP, NOTES, signal);
    cloudflare.fail(LOST, { status: 502 }, { status: 502 }, ...thrice(BROKEN));
    expect(await codeOf(edge.release(rule.rule_id, signal))).toBe("outcome_unknown");
    expect(cloudflare.rules).toEqual([]);
  });
});
