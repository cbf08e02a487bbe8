import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import type { Outcome } from "../../core/request.ts";
import { codeOf, createTestDesk } from "../support/conversation.ts";
import type { TestDeskOptions } from "../support/test-desk.ts";

const unavailable = new OpsError("upstream_unavailable", "connection reset");
const refused = new OpsError("upstream_refused", "HTTP 403", { text: text("cf.token_refused") });
const unknown = new OpsError("outcome_unknown", "the answer was lost");
/** Longer than all pauses between eight tries. */
const ALL_TRIES_MS = 600_000;

function desk(options?: TestDeskOptions) {
  const opened = createTestDesk(options);
  const op = opened.person("telegram:1002", "operator");
  const runOf = async (outcome: Outcome) => (outcome.kind === "queued" ? await opened.runs.get(outcome.run_id) : null);
  return { ...opened, op, runOf };
}

describe("blocking", () => {
  it("one address is one rule, whose notes say who, why and in which run; and the way back", async () => {
    const { op, edge } = desk();
    const outcome = await op.says('/block 203.0.113.7 --reason "brute force"');
    const run_id = outcome.kind === "queued" ? outcome.run_id : "";
    expect(edge.rules).toMatchObject([{ network: "203.0.113.7", notes: `Switchboard ${run_id} by telegram:1002: brute force` }]);
    op.hears("203.0.113.7 is blocked\nRule: rule-1\nUndo: cf_release 203.0.113.7");
    await op.says("cf_release 203.0.113.7");
    expect(edge.rules).toEqual([]);
  });

  it("several is a table, each address once however it is written", async () => {
    const { op, edge, runOf } = desk();
    const outcome = await op.says("/block 203.0.113.7, 2001:DB8::7 203[.]0[.]113[.]7 ::ffff:203.0.113.7 2001:db8:0::7");
    expect(edge.rules.map(({ network }) => network)).toEqual(["203.0.113.7", "2001:db8::7"]);
    op.hears(/^Block results for 2 addresses\nAddress {2}Result {2}Note\n203\.0\.113\.7 {2}blocked .*\n2001:db8::7 {2}blocked/);
    expect(await runOf(outcome)).toMatchObject({ input: { ip: ["203.0.113.7", "2001:db8::7"] }, status: "succeeded", attempts: 1 });
  });

  it("of two who block one address at once, it is blocked by the first, who can take it back, and the other is told so", async () => {
    const { op, edge, passes, ...opened } = desk();
    const other = opened.person("telegram:1004", "operator");
    edge.breaks("block", { error: unavailable, after: true, times: 1 });
    await op.says("/block 203.0.113.7");
    await other.says("/block 203.0.113.7");
    other.hears(/^203\.0\.113\.7 was blocked already\nUntil: it is released\nRule: rule-1/);
    await passes(ALL_TRIES_MS);
    op.hears("203.0.113.7 is blocked\nRule: rule-1\nUndo: cf_release 203.0.113.7");
  });

  it("a reason in which nothing can be seen is none", async () => {
    const { op, edge } = desk();
    const outcome = await op.calls("cf_block", { ip: "203.0.113.7", reason: " \u200b\u2060" });
    const run_id = outcome.kind === "queued" ? outcome.run_id : "";
    expect(edge.rules).toMatchObject([{ notes: `Switchboard ${run_id} by telegram:1002` }]);
  });

  it("100 is as many as one command takes", async () => {
    const { op, edge } = desk();
    const ips = Array.from({ length: 101 }, (_, at) => `203.0.113.${at}`);
    await op.says(`/block ${ips.slice(0, 100).join(" ")}`);
    expect(edge.rules).toHaveLength(100);
    expect(codeOf(await op.calls("cf_block", { ip: ips }))).toBe("invalid_input");
    op.hears("ip has 101 items. Allowed: 100.");
    expect(codeOf(await op.calls("cf_block", { ip: [] }))).toBe("invalid_input");
    // As a list from a log is: each counts once.
    await op.says(`/release ${[...ips.slice(0, 100), ...ips.slice(0, 30)].join(" ")}`);
    op.hears("Release results for 100 addresses");
  });

  it("what is blocked already is said to be, and is not undone", async () => {
    const { op, edge, runOf } = desk();
    edge.hasRule("203.0.113.7", "by hand");
    const outcome = await op.says("/block 203.0.113.7");
    op.hears(/^203\.0\.113\.7 was blocked already\nUntil: it is released\nRule: rule-1/);
    expect((await runOf(outcome))?.output).toEqual({
      results: [{ ip: "203.0.113.7", status: "already_blocked", rule_ids: ["rule-1"], expires_at: null, adopted: true }],
    });
    await op.says("/block 203.0.113.7 203.0.113.8");
    op.hears(/Undo: cf_release 203\.0\.113\.8$/);
  });
});

describe("a protected address", () => {
  it.each([
    ["10.1.2.3", "is a private address"],
    ["fd00::1", "is a private address"],
    ["127.0.0.1", "is a loopback address"],
    ["::1", "is a loopback address"],
    ["104.16.0.1", "belongs to Cloudflare itself"],
    ["0.0.0.0", "is a reserved address"],
    ["224.0.0.1", "is a reserved address"],
    ["198.51.100.77", "is on the list of addresses that are never blocked (NEVER_BLOCK)"],
  ])("%s is refused in one sentence before anything is stored", async (ip, why) => {
    const { op, edge, runs } = desk({ never_block: ["198.51.100.64/26"] });
    expect(codeOf(await op.says(`/block 203.0.113.7 ${ip}`))).toBe("protected_address");
    op.hears(`${ip} ${why}`);
    expect(op.heard.at(-1)?.split("\n")).toHaveLength(1);
    expect(codeOf(await op.calls("cf_block", { ip }))).toBe("protected_address");
    expect([edge.rules, await runs.list({ limit: 9 })]).toEqual([[], []]);
  });
});

describe("a failure that may pass", () => {
  it("is tried again, and the person waits with one message", async () => {
    const { op, edge, passes, runOf } = desk();
    edge.breaks("block", { error: unavailable, times: 3 });
    const outcome = await op.says("/block 203.0.113.7");
    expect(await runOf(outcome)).toMatchObject({ status: "accepted", attempts: 1 });
    await passes(300);
    op.hears("cf_block is running");
    await passes(ALL_TRIES_MS);
    op.hears("203.0.113.7 is blocked");
    expect(op.heard).toHaveLength(2);
    expect(await runOf(outcome)).toMatchObject({ status: "succeeded", attempts: 4 });
  });

  it("of one address does not make the others ours no longer", async () => {
    const { op, edge, passes, runOf } = desk();
    edge.hasRule("203.0.113.9", "by hand");
    edge.breaks("block", { error: unavailable, times: 1, of: "203.0.113.8" });
    const outcome = await op.says("/block 203.0.113.9 203.0.113.7 203.0.113.8");
    await passes(ALL_TRIES_MS);
    const results = ["already_blocked", "blocked", "blocked"].map((status) => ({ status }));
    expect(await runOf(outcome)).toMatchObject({ output: { results } });
    expect(edge.rules).toHaveLength(3);
  });

  it("waits as long as it is told to", async () => {
    const { op, edge, passes } = desk();
    edge.breaks("block", { error: new OpsError("rate_limited", "429", { retry_after_ms: 90_000 }), times: 1 });
    await op.says("/block 203.0.113.7");
    await passes(89_999);
    expect(edge.calls("block")).toBe(1);
    await passes(1);
    op.hears("203.0.113.7 is blocked");
  });

  it("is not counted where it is only told to wait, however often", async () => {
    const { op, edge, passes, runOf } = desk();
    edge.breaks("block", { error: new OpsError("rate_limited", "429", { retry_after_ms: 10_000 }), times: 20 });
    const outcome = await op.says("/block 203.0.113.7");
    await passes(ALL_TRIES_MS);
    op.hears("203.0.113.7 is blocked");
    expect(await runOf(outcome)).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("whose answer alone was lost is known by its note", async () => {
    const { op, edge, passes } = desk();
    edge.breaks("block", { error: unavailable, times: 1, after: true });
    await op.says("/block 203.0.113.7");
    await passes(ALL_TRIES_MS);
    op.hears(/^203\.0\.113\.7 is blocked/);
    expect(edge.rules).toHaveLength(1);
  });

  it("every time ends as failed, with what to do", async () => {
    const { op, edge, passes, runOf } = desk();
    edge.breaks("block", { error: unavailable });
    const outcome = await op.says("/block 203.0.113.7");
    await passes(ALL_TRIES_MS);
    expect(edge.calls("block")).toBe(8);
    expect(await runOf(outcome)).toMatchObject({ status: "failed", attempts: 8, error: { code: "upstream_unavailable" } });
    op.hears(/^The other side cannot be reached\. Try again in a few minutes\.\nRun: [0-9a-z]{12}$/);
  });
});

describe("a failure that stays", () => {
  it("ends the run at once, with the reason", async () => {
    const { op, edge, runOf } = desk();
    edge.breaks("block", { error: refused });
    const outcome = await op.says("/block 203.0.113.7");
    expect(await runOf(outcome)).toMatchObject({ status: "failed", attempts: 1, error: { code: "upstream_refused" } });
    op.hears(/^Cloudflare refuses our token\. Check CLOUDFLARE_API_TOKEN/);
  });

  it("of some addresses is told in the table, and the rest is done", async () => {
    const { op, edge, runOf } = desk();
    edge.breaks("block", { error: refused, of: "203.0.113.8" });
    const outcome = await op.says("/block 203.0.113.7 203.0.113.8");
    expect(await runOf(outcome)).toMatchObject({ status: "succeeded", error: null });
    op.hears(/203\.0\.113\.8 {2}failed {2}The other side refuses this.*\nUndo: cf_release 203\.0\.113\.7$/);
  });

  it("that leaves open what happened is looked up by the next try", async () => {
    const { op, edge, passes, runOf } = desk();
    edge.breaks("block", { error: unknown, times: 1, after: true });
    const outcome = await op.says("/block 203.0.113.7");
    await passes(ALL_TRIES_MS);
    op.hears(/^203\.0\.113\.7 is blocked\n.*\nUndo: /);
    expect(await runOf(outcome)).toMatchObject({ status: "succeeded", attempts: 2 });
    expect(edge.rules).toHaveLength(1);
  });

  it("that leaves it open to the last makes the run unknown; among others, the address not certain", async () => {
    const { op, edge, passes, runOf } = desk();
    edge.breaks("block", { error: unknown, of: "203.0.113.7" });
    const alone = await op.says("/block 203.0.113.7");
    await passes(ALL_TRIES_MS);
    expect(await runOf(alone)).toMatchObject({ status: "unknown", attempts: 8, error: { code: "outcome_unknown" } });
    op.hears(/^203\.0\.113\.7: nobody knows yet whether it is blocked\. Switchboard looks again within a few minutes/);
    const several = await op.says("/block 203.0.113.7 203.0.113.8");
    await passes(ALL_TRIES_MS);
    expect(await runOf(several)).toMatchObject({ status: "succeeded" });
    op.hears(/203\.0\.113\.7 {2}not certain/);
  });

  it("of all makes the run unknown when one of them is", async () => {
    const { op, edge, passes, runOf } = desk();
    const { block } = edge;
    edge.block = (rule, call) => (rule.network === "203.0.113.8" ? Promise.reject(unknown) : block(rule, call));
    edge.breaks("block", { error: refused, of: "203.0.113.7" });
    const outcome = await op.says("/block 203.0.113.7 203.0.113.8");
    await passes(ALL_TRIES_MS);
    expect(await runOf(outcome)).toMatchObject({ status: "unknown" });
  });
});
