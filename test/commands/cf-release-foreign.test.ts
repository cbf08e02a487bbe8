import { describe, expect, it } from "vitest";
import { ALL_TRIES_MS, blocked, desk, IP, refused, unavailable, unknown } from "../support/release-desk.ts";

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
    op.hears(/203\.0\.113\.7 {2}not certain.*\n203\.0\.113\.8 {2}released {2}by hand too\n/);
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
