import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import { createTestDesk } from "../support/conversation.ts";

const unavailable = new OpsError("upstream_unavailable", "connection reset");
const refused = new OpsError("upstream_refused", "HTTP 403");
const unknown = new OpsError("outcome_unknown", "the answer was lost");
/** Longer than all pauses between eight tries. */
const ALL_TRIES_MS = 600_000;
const IP = "203.0.113.7";

function desk() {
  const opened = createTestDesk();
  return { ...opened, op: opened.person("telegram:1002", "operator") };
}

/** A desk on which some addresses are blocked. */
async function blocked(ips = IP) {
  const opened = desk();
  await opened.op.says(`/block ${ips}`);
  return opened;
}

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
    expect(await runs.list({ limit: 1 })).toMatchObject([{ command: "cf_release", attempts: 8, status: "unknown" }]);
    op.hears("Nobody knows whether this was done");
    expect(ledger.blocks).toMatchObject([{ state: "releasing" }]);
  });

  it("that never works fails with the reason, and the keeper goes on", async () => {
    const { op, edge, passes, ledger } = await blocked();
    edge.breaks("release", { error: unavailable });
    await op.says(`/release ${IP}`);
    await passes(ALL_TRIES_MS);
    op.hears("The other side cannot be reached.");
    expect(edge.calls("release")).toBe(8);
    expect(ledger.blocks).toMatchObject([{ state: "releasing" }]);
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

describe("a rule of others", () => {
  it("is shown and left alone, with the line that removes it all the same", async () => {
    const { op, edge } = desk();
    edge.hasRule(IP, "by hand");
    await op.says(`/release ${IP}`);
    op.hears(`${IP} is still blocked by a rule that Switchboard did not make\nNotes: by hand\nRule: rule-1\n`);
    op.hears(`/cf_release ${IP} --foreign`);
    expect(edge.rules).toHaveLength(1);
    await op.says(`/cf_release ${IP} --foreign`);
    op.hears(/^203\.0\.113\.7 is released\nNotes: by hand/);
    expect(edge.rules).toEqual([]);
  });

  it("beside one of ours: ours is lifted, and the other is told of", async () => {
    const { op, edge } = await blocked();
    edge.hasRule(IP, "by hand", { scope: "zone:2" });
    await op.says(`/release ${IP}`);
    op.hears("is still blocked by a rule that Switchboard did not make");
    expect(edge.rules).toMatchObject([{ notes: "by hand" }]);
  });

  it("whose removal is refused does not keep the others from being removed, and stays theirs", async () => {
    const { op, edge, ledger } = desk();
    edge.hasRule(IP, "by hand");
    edge.hasRule("203.0.113.8", "by hand too");
    edge.breaks("release", { error: refused, of: "rule-1" });
    await op.says(`/cf_release ${IP} 203.0.113.8 --foreign`);
    op.hears(/203\.0\.113\.7 {2}failed {2}The other side refuses this.*\n203\.0\.113\.8 {2}released {2}by hand too\n/);
    expect(edge.rules).toMatchObject([{ network: IP }]);
    expect(ledger.blocks).toMatchObject([{ network: "203.0.113.8", state: "released" }]);
  });

  it.each([
    ["was busy", unavailable],
    ["was not answered", unknown],
  ])("whose removal is refused only when the first try %s stays theirs as well", async (_name, first) => {
    const { op, edge, ledger, passes } = desk();
    edge.hasRule(IP, "by hand");
    const answers = [first];
    edge.release = async () => {
      throw answers.shift() ?? refused;
    };
    await op.says(`/cf_release ${IP} --foreign`);
    expect(ledger.blocks).toMatchObject([{ state: "releasing" }]);
    await passes(ALL_TRIES_MS);
    op.hears("The other side refuses this");
    expect([ledger.blocks, edge.rules.length, edge.calls("release")]).toEqual([[], 1, 2]);
  });

  it("of which some are refused by a later try, while others are removed by it", async () => {
    const { op, edge, ledger, passes } = desk();
    edge.hasRule(IP, "by hand");
    edge.hasRule("203.0.113.8", "by hand too");
    edge.breaks("release", { error: unavailable, times: 2 });
    await op.says(`/cf_release ${IP} 203.0.113.8 --foreign`);
    edge.breaks("release", { error: refused, of: "rule-1" });
    await passes(ALL_TRIES_MS);
    op.hears(/203\.0\.113\.7 {2}failed {2}The other side refuses this.*\n203\.0\.113\.8 {2}released {2}by hand too\n/);
    expect(ledger.blocks).toMatchObject([{ network: "203.0.113.8", state: "released" }]);
  });

  it("that cannot be removed for now is gone on with by the keeper, and the others are removed", async () => {
    const { op, edge, ledger, passes } = desk();
    edge.hasRule(IP, "by hand");
    edge.hasRule("203.0.113.8", "by hand too");
    edge.breaks("release", { error: unavailable, of: "rule-1" });
    await op.says(`/cf_release ${IP} 203.0.113.8 --foreign`);
    await passes(ALL_TRIES_MS);
    op.hears(/203\.0\.113\.7 {2}failed.*\n203\.0\.113\.8 {2}released {2}by hand too\n/);
    expect(ledger.blocks).toMatchObject([{ network: IP, state: "releasing" }, { state: "released" }]);
  });

  it("that was removed and could not be read back is known by the next try as this run's", async () => {
    const { op, edge, passes, ledger } = await blocked();
    edge.hasRule("203.0.113.8", "by hand");
    const { lookUp } = edge;
    edge.lookUp = async (networks, call) => {
      if (edge.rules.length === 0) throw unavailable;
      return lookUp(networks, call);
    };
    await op.says(`/cf_release ${IP} 203.0.113.8 --foreign`);
    edge.lookUp = lookUp;
    await passes(ALL_TRIES_MS);
    op.hears(/203\.0\.113\.7 {2}released.*\n203\.0\.113\.8 {2}released {2}by hand\n/);
    expect(ledger.blocks.map(({ state }) => state)).toEqual(["released", "released"]);
  });

  it("of a protected address can be lifted", async () => {
    const { op, edge } = desk();
    edge.hasRule("10.0.0.1", "by hand");
    await op.says("/release 10.0.0.1 --foreign");
    op.hears("10.0.0.1 is released");
  });

  it("that was adopted is ours, and is lifted as such", async () => {
    const { op, edge } = desk();
    edge.hasRule(IP, "by hand");
    await op.says(`/block ${IP}`);
    await op.says(`/release ${IP}`);
    op.hears(`${IP} is released`);
    expect(edge.rules).toEqual([]);
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
