import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { codeOf, createTestDesk } from "../support/conversation.ts";

const unavailable = new OpsError("upstream_unavailable", "connection reset");
const unknown = new OpsError("outcome_unknown", "the answer was lost");
/** Longer than all pauses between eight tries. */
const ALL_TRIES_MS = 600_000;

function desk() {
  const opened = createTestDesk();
  return { ...opened, op: opened.person("telegram:1002", "operator"), viewer: opened.person("telegram:1003", "viewer") };
}

describe("releasing", () => {
  it("deletes every rule of the address and of no other, and offers the way back", async () => {
    const { op, edge } = desk();
    for (const ip of ["203.0.113.7", "203.0.113.7", "203.0.113.70"]) edge.hasRule(ip, "by hand");
    await op.says("/unblock 203.0.113.7");
    op.hears(/^203\.0\.113\.7 is released\nNotes: by hand; by hand\nRule: rule-1\nRule: rule-2\nUndo: cf_block 203\.0\.113\.7$/);
    expect(edge.rules.map(({ ip }) => ip)).toEqual(["203.0.113.70"]);
  });

  it("what was not blocked says so, and offers nothing", async () => {
    const { op } = desk();
    await op.says("/release 203.0.113.7");
    op.hears(/^203\.0\.113\.7 is not blocked$/);
  });

  it("several is a table", async () => {
    const { op, edge } = desk();
    edge.hasRule("203.0.113.7", "by hand");
    await op.says("/release 203.0.113.7 203.0.113.8");
    op.hears(
      /^Release results for 2 addresses\n.*\n203\.0\.113\.7 {2}released.*\n203\.0\.113\.8 {2}not blocked.*\nUndo: cf_block 203\.0\.113\.7$/,
    );
  });

  it("of a protected address is allowed: a rule made by hand must be possible to lift", async () => {
    const { op, edge } = desk();
    edge.hasRule("10.0.0.1", "by hand");
    await op.says("/release 10.0.0.1");
    op.hears("10.0.0.1 is released");
  });

  it("is read back: a rule that is still shown is not called released", async () => {
    const { op, edge } = desk();
    edge.hasRule("203.0.113.7", "by hand");
    edge.lagging.on = true;
    await op.says("/release 203.0.113.7");
    op.hears("203.0.113.7: the rule is deleted, but Cloudflare still shows one. Look again in a minute.");
    expect(op.heard.at(-1)).not.toContain("Undo");
  });

  it("that broke off after the rule was deleted says what is true then, and does not offer to block again", async () => {
    const { op, edge, passes } = desk();
    edge.hasRule("203.0.113.7", "by hand");
    edge.breaks("release", { error: unavailable, times: 1, after: true });
    await op.says("/release 203.0.113.7");
    await passes(ALL_TRIES_MS);
    op.hears(/^203\.0\.113\.7 is not blocked$/);
    expect(edge.rules).toEqual([]);
  });

  it("of what was never blocked says so, however often Cloudflare had to be asked", async () => {
    const { op, edge, passes } = desk();
    edge.breaks("find", { error: unavailable, times: 1 });
    await op.says("/release 203.0.113.7");
    await passes(ALL_TRIES_MS);
    op.hears(/^203\.0\.113\.7 is not blocked$/);
  });

  it("shows what stood in a rule that was not ours", async () => {
    const { op, edge } = desk();
    await op.says("/block 203.0.113.8");
    edge.hasRule("203.0.113.7", "by hand");
    await op.says("/release 203.0.113.7 203.0.113.8");
    op.hears(/\n203\.0\.113\.7 {2}released {2}by hand\n203\.0\.113\.8 {2}released {2}\n/);
  });

  it("that cannot be read back at the last try is not called failed", async () => {
    const { op, edge, passes, runs } = desk();
    edge.hasRule("203.0.113.7", "by hand");
    edge.breaks("release", { error: unavailable, times: 7 });
    await op.says("/release 203.0.113.7");
    const { find } = edge;
    // The last look of the last try is the one that fails.
    edge.find = (ip, signal) => (edge.rules.length === 0 ? Promise.reject(unavailable) : find(ip, signal));
    await passes(ALL_TRIES_MS);
    expect(await runs.list({ limit: 9 })).toMatchObject([{ status: "unknown", attempts: 8 }]);
    op.hears("Nobody knows whether this was done");
  });

  it("that never works fails with the reason", async () => {
    const { op, edge, passes } = desk();
    edge.hasRule("203.0.113.7", "by hand");
    edge.breaks("release", { error: unavailable });
    await op.says("/release 203.0.113.7");
    await passes(ALL_TRIES_MS);
    op.hears("The other side cannot be reached.");
    expect(edge.calls("release")).toBe(8);
  });

  it("nobody knows the end of is looked up by the next try", async () => {
    const { op, edge, passes } = desk();
    edge.hasRule("203.0.113.7", "by hand");
    edge.breaks("release", { error: unknown, times: 1 });
    await op.says("/release 203.0.113.7");
    await passes(ALL_TRIES_MS);
    op.hears("203.0.113.7 is released");
  });

  it("nobody knows the end of to the last is not called failed", async () => {
    const { op, edge, runs, passes } = desk();
    for (const ip of ["203.0.113.7", "203.0.113.8"]) edge.hasRule(ip, "by hand");
    edge.breaks("release", { error: unknown, of: "rule-1" });
    await op.says("/release 203.0.113.7 203.0.113.8");
    await passes(ALL_TRIES_MS);
    op.hears(/203\.0\.113\.7 {2}not certain/);
    await op.says("/release 203.0.113.7");
    await passes(ALL_TRIES_MS);
    op.hears("Nobody knows whether this was done");
    expect((await runs.list({ limit: 9 })).map(({ status }) => status).toSorted()).toEqual(["succeeded", "unknown"]);
  });
});

describe("looking up", () => {
  it("shows a viewer the rule, since when and why", async () => {
    const { op, viewer } = desk();
    await op.says("/block 203.0.113.7 --reason scan");
    await viewer.says("/blocked 203.0.113.7");
    viewer.hears(
      /^203\.0\.113\.7 is blocked\nSince: Nov 22, 2026, 09:00 UTC\nNotes: Switchboard [0-9a-z]{12} by telegram:1002: scan\nRule: rule-1$/,
    );
    await viewer.says("/cf_search 203.0.113.8");
    viewer.hears(/^203\.0\.113\.8 is not blocked$/);
  });

  it("shows several as a table, and protected ones too", async () => {
    const { viewer, edge } = desk();
    edge.hasRule("203.0.113.7", "by hand");
    await viewer.says("/cf_search 203.0.113.7 10.0.0.1");
    viewer.hears(/^2 addresses\n.*\n203\.0\.113\.7 {2}blocked {2}by hand\n10\.0\.0\.1 {2}not blocked/);
  });

  it("shows what could be looked up beside what could not", async () => {
    const { viewer, edge, passes } = desk();
    edge.hasRule("203.0.113.7", "by hand");
    edge.breaks("find", { error: unavailable, of: "203.0.113.8" });
    await viewer.says("/cf_search 203.0.113.7 203.0.113.8");
    await passes(ALL_TRIES_MS);
    viewer.hears(/\n203\.0\.113\.7 {2}blocked {2}by hand\n203\.0\.113\.8 {2}failed {2}The other side cannot be reached/);
  });

  it("is tried again, four times at most", async () => {
    const { viewer, edge, passes } = desk();
    edge.breaks("find", { error: unavailable });
    await viewer.says("/cf_search 203.0.113.7");
    await passes(ALL_TRIES_MS);
    viewer.hears("The other side cannot be reached.");
    expect(edge.calls("find")).toBe(4);
  });
});

describe("a run", () => {
  it("is not carried out for one whose role was withdrawn while it waited", async () => {
    const { op, edge, knownPeople, workers, works } = desk();
    workers.on = false;
    await op.says("/block 203.0.113.7");
    knownPeople.set("telegram:1002", "viewer");
    workers.on = true;
    await works();
    op.hears(/^You may not run cf_block\.\nRun: /);
    expect(edge.rules).toEqual([]);
  });

  it("is shown to its asker and to operators, and to no other viewer", async () => {
    const { op, viewer, ...opened } = desk();
    const outcome = await viewer.says("/cf_search 203.0.113.7");
    const run_id = outcome.kind === "queued" ? outcome.run_id : "";
    for (const who of [viewer, op]) {
      await who.says(`/status ${run_id.toUpperCase()}`);
      who.hears(/^cf_search has succeeded\nRun: [0-9a-z]{12}\nAsked by: telegram:1003\nAsked: Nov 22/);
    }
    const other = opened.person("telegram:1006", "viewer");
    expect(codeOf(await other.says(`/status ${run_id}`))).toBe("not_found");
    other.hears(`There is no run ${run_id} that you may see.`);
    expect(codeOf(await other.says("/status yesterday"))).toBe("invalid_input");
    other.hears("A run's id is 12 letters and digits");
  });

  it("that failed says why, in the words that were said", async () => {
    const { op, edge } = desk();
    edge.breaks("block", { error: new OpsError("upstream_refused", "no", { text: text("cf.refused", { reason: "1004 wrong zone" }) }) });
    const outcome = await op.says("/block 203.0.113.7");
    const run_id = outcome.kind === "queued" ? outcome.run_id : "";
    await op.says(`/status ${run_id}`);
    op.hears(/^cf_block has failed\n(.|\n)*Tries: 1\nWhy: Cloudflare refused: 1004 wrong zone$/);
    expect(await op.calls("run_show", { run_id })).toMatchObject({ output: { error: "upstream_refused", reason: { key: "cf.refused" } } });
  });
});
