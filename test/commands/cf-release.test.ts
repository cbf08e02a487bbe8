import { describe, expect, it } from "vitest";
import { ALL_TRIES_MS, blocked, desk, IP, refused, unavailable, unknown } from "../support/release-desk.ts";

describe("releasing", () => {
  it("removes the rule that the ledger knows, in every zone, and offers the way back", async () => {
    const { op, edge } = desk();
    edge.scopes.push("zone:2");
    await op.says(`/block ${IP} 203.0.113.70`);
    expect(edge.rules).toHaveLength(4);
    await op.says(`/unblock ${IP}`);
    op.hears(/^203\.0\.113\.7 is released\nRule: rule-1\nRule: rule-3\nUndo: cf_block 203\.0\.113\.7$/);
    expect(edge.rules.map(({ network }) => network)).toEqual(["203.0.113.70", "203.0.113.70"]);
  });

  it("what was not blocked says so, and offers nothing", async () => {
    const { op } = desk();
    await op.says(`/release ${IP}`);
    op.hears(/^203\.0\.113\.7 is not blocked$/);
  });

  it("several is a table, and costs one look at Cloudflare", async () => {
    const { op, edge } = await blocked();
    await op.says(`/release ${IP} 203.0.113.8`);
    op.hears(
      /^Release results for 2 addresses\n.*\n203\.0\.113\.7 {2}released.*\n203\.0\.113\.8 {2}not blocked.*\nUndo: cf_block 203\.0\.113\.7$/,
    );
    expect(edge.calls("lookUp")).toBe(1);
  });

  it("is read back: a rule that is still shown is not called released, and the keeper goes on", async () => {
    const { op, edge, ledger, clock } = await blocked();
    edge.lagging.on = true;
    await op.says(`/release ${IP}`);
    op.hears(`${IP}: it could not be read back yet that the rule is gone`);
    op.hears("Switchboard keeps trying");
    expect(op.heard.at(-1)).not.toContain("Undo");
    expect(ledger.blocks).toMatchObject([{ state: "releasing", tries: 1 }]);
    clock.passes(60_000);
    expect(await ledger.due(9)).toMatchObject([{ network: IP, state: "releasing" }]);
  });

  it("tells the ledger of all that is still there at once", async () => {
    const { op, edge, ledger } = await blocked("203.0.113.7 203.0.113.8 203.0.113.9");
    edge.lagging.on = true;
    await op.says("/release 203.0.113.7 203.0.113.8 203.0.113.9");
    expect(ledger.blocks).toMatchObject([{ tries: 1 }, { tries: 1 }, { tries: 1 }]);
    expect(ledger.calls("keepTrying")).toBe(1);
  });

  it("that broke off after the rule was deleted is released by the next try", async () => {
    const { op, edge, passes } = await blocked();
    edge.breaks("release", { error: unavailable, times: 1, after: true });
    await op.says(`/release ${IP}`);
    await passes(ALL_TRIES_MS);
    op.hears(/^203\.0\.113\.7 is released/);
    expect(edge.rules).toEqual([]);
  });

  it("by a run that comes twice is still its own: what it lifted before its process died is released", async () => {
    const { op, edge, passes } = await blocked("203.0.113.7 203.0.113.8");
    edge.breaks("lookUp", { error: unavailable, times: 1, after: true });
    await op.says("/release 203.0.113.7 203.0.113.8");
    await passes(ALL_TRIES_MS);
    op.hears(/203\.0\.113\.7 {2}released.*\n203\.0\.113\.8 {2}released/);
    expect(edge.rules).toEqual([]);
  });

  it("that cannot be read back at the last try is not certain; nobody is told that it failed", async () => {
    const { op, edge, passes, runs, ledger } = await blocked();
    edge.breaks("lookUp", { error: unavailable });
    await op.says(`/release ${IP}`);
    await passes(ALL_TRIES_MS);
    expect(await runs.list({ limit: 1 })).toMatchObject([{ command: "cf_release", attempts: 8, status: "succeeded" }]);
    op.hears(/^203\.0\.113\.7: it could not be read back yet that the rule is gone\n[\s\S]*Switchboard keeps trying/);
    expect(ledger.blocks).toMatchObject([{ state: "releasing" }]);
  });

  it("of what the ledger does not know fails when Cloudflare cannot be asked", async () => {
    const { op, edge, passes, runs } = desk();
    edge.breaks("lookUp", { error: unavailable });
    await op.says(`/release ${IP}`);
    await passes(ALL_TRIES_MS);
    expect(await runs.list({ limit: 1 })).toMatchObject([{ status: "failed", error: { code: "upstream_unavailable" } }]);
    op.hears("The other side cannot be reached.");
  });

  it("that does not work for now is not certain, and the keeper goes on soon", async () => {
    const { op, edge, passes, ledger, viewer } = await blocked();
    edge.breaks("release", { error: unavailable });
    await op.says(`/release ${IP}`);
    await passes(ALL_TRIES_MS);
    op.hears(/not be read back yet that the rule is gone\nWhy: The other side cannot be reached\.[\s\S]*Switchboard keeps trying/);
    expect(edge.calls("release")).toBe(8);
    expect(ledger.blocks).toMatchObject([{ state: "releasing", tries: 1 }]);
    await viewer.says(`/blocked ${IP}`);
    viewer.hears("Being released: by telegram:1002; Switchboard keeps trying");
    edge.loses("rule-1");
    await viewer.says(`/blocked ${IP}`);
    viewer.hears(/^203\.0\.113\.7 is not blocked\nBeing released: by telegram:1002; Switchboard keeps trying$/);
  });

  it("that is refused fails with the reason, and what is blocked stays so", async () => {
    const { op, edge, passes, ledger, runs } = await blocked(`${IP} 203.0.113.8 --for 1h`);
    edge.breaks("release", { error: refused, of: "rule-1" });
    await op.says(`/release ${IP} 203.0.113.8`);
    op.hears(/203\.0\.113\.7 {2}failed {2}The other side refuses this.*\n203\.0\.113\.8 {2}released/);
    await op.says(`/release ${IP}`);
    op.hears("The other side refuses this");
    expect(await runs.list({ limit: 9 })).toContainEqual(expect.objectContaining({ status: "failed", input: { ip: [IP] } }));
    expect(ledger.blocks).toMatchObject([{ state: "blocked", released_by: null }, { state: "released" }]);
    await passes(1_800_000);
    expect(await ledger.due(9)).toEqual([]);
    await passes(1_800_001);
    expect(await ledger.due(9)).toMatchObject([{ network: IP, released_by: "expiry" }]);
  });

  it("says which range goes on blocking the address", async () => {
    const { op, edge } = await blocked();
    edge.hasRule("203.0.113.0/24", "by hand");
    await op.says(`/release ${IP}`);
    op.hears(`${IP} is released\nRule: rule-1\n${IP} is still blocked by the range 203.0.113.0/24.\n`);
    op.hears("To release the whole range: /cf_release 203.0.113.0/24");
  });

  it.each([
    ["not blocked before", "", "was blocked by somebody while it was being released"],
    ["blocked before", IP, `${IP} is released`],
  ])("does not take what somebody blocks meanwhile for a rule of others: %s", async (_name, before, words) => {
    const opened = before ? await blocked(before) : desk();
    const { op, edge } = opened;
    const other = opened.person("telegram:1004", "operator");
    const { lookUp } = edge;
    edge.lookUp = async (networks, call) => {
      edge.lookUp = lookUp;
      await other.says(`/block ${IP}`);
      return lookUp(networks, call);
    };
    await op.says(`/release ${IP}`);
    op.hears(words);
    expect(edge.rules).toHaveLength(1);
  });

  it("nobody knows the end of is looked up by the same try", async () => {
    const { op, edge } = await blocked();
    edge.breaks("release", { error: unknown, times: 1, after: true });
    await op.says(`/release ${IP}`);
    op.hears(`${IP} is released`);
  });

  it("what is blocked anew while it is being lifted stays blocked: theirs is the later wish", async () => {
    const { op, edge, ledger } = await blocked();
    edge.lagging.on = true;
    await op.says(`/release ${IP}`);
    edge.lagging.on = false;
    await op.says(`/block ${IP} --reason again`);
    op.hears(`${IP} is blocked`);
    // The rule is another one: whoever still lifts the old wish does so by the old id.
    expect(ledger.blocks).toMatchObject([{ state: "blocked", reason: "again", rule_id: "rule-2", adopted: false }]);
    expect(edge.rules).toMatchObject([{ rule_id: "rule-2" }]);
  });
});

describe("a range", () => {
  it("that holds the address is named, with the line that lifts all of it", async () => {
    const { op, edge } = await blocked("203.0.113.0/24");
    await op.says(`/release ${IP}`);
    op.hears(`${IP} has no rule of its own; a wider range blocks it\nBy the range: 203.0.113.0/24\n`);
    op.hears("/cf_release 203.0.113.0/24");
    expect(edge.rules).toHaveLength(1);
    await op.says("/cf_release 203.0.113.0/24");
    op.hears("203.0.113.0/24 is released");
  });

  it("of a length that no rule has is lifted piece by piece", async () => {
    const { op, edge } = await blocked("203.0.113.8/30");
    expect(edge.rules).toHaveLength(4);
    await op.says("/release 203.0.113.8/30");
    op.hears("203.0.113.8/30 is released\nRules: 4");
    expect(edge.rules).toEqual([]);
  });
});
