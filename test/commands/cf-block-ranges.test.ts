import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { keepRound } from "../../jobs/blocks/keeper.ts";
import { codeOf, createTestDesk } from "../support/conversation.ts";

const IP = "203.0.113.7";
const HOUR = 3_600_000;
const { signal } = new AbortController();

function desk() {
  const opened = createTestDesk();
  const { edge, ledger, auditLog: audit, log } = opened;
  const op = opened.person("telegram:1002", "operator");
  /** What the keeper does by itself in one round. */
  const keeps = () => keepRound({ edge, ledger, audit, log }, signal);
  return { ...opened, op, keeps };
}

describe("a range", () => {
  it("of 256 addresses is one rule, and is not asked about", async () => {
    const { op, edge } = desk();
    await op.says("/block 203.0.113.0/24");
    op.hears("203.0.113.0/24 is blocked\nRule: rule-1\nUndo: cf_release 203.0.113.0/24");
    expect(edge.rules).toMatchObject([{ network: "203.0.113.0/24" }]);
  });

  it("with host bits is the network they lie in", async () => {
    const { op, edge } = desk();
    await op.says("/block 203.0.113.77/24");
    expect(edge.rules).toMatchObject([{ network: "203.0.113.0/24" }]);
  });

  it("that is wider asks first, with what it would hit, and does it when it is meant", async () => {
    const { op, edge } = desk();
    await op.says(`/block ${IP} 203.0.112.9`);
    expect(await op.says("/block 203.0.112.0/23 --reason scan")).toMatchObject({ kind: "confirm" });
    op.hears("Really run cf_block?\nip: 203.0.112.0/23\nreason: scan\n");
    op.hears("203.0.112.0/23 is 512 addresses and takes 2 rules. Within it are 2 of our blocks and 0 rules of others.");
    expect(edge.rules).toHaveLength(2);
    await op.presses("Yes, run it");
    op.hears("203.0.112.0/23 is blocked");
    expect(edge.rules.map(({ network }) => network)).toContain("203.0.112.0/24");
  });

  it("of IPv6 wider than a /48 asks as well", async () => {
    const { op } = desk();
    expect(await op.says("/block 2001:db8::/48")).toMatchObject({ kind: "queued" });
    expect(await op.says("/block 2001:db8::/47")).toMatchObject({ kind: "confirm" });
    op.hears("2001:db8::/47 is 2^81 addresses and takes 2 rules.");
  });

  it.each(["0.0.0.0/0", "::/0", "2001:db8::/65"])("%s is refused before anything is stored", async (network) => {
    const { op, runs } = desk();
    expect(["invalid_input", "protected_address"]).toContain(codeOf(await op.says(`/block ${network}`)));
    expect(await runs.list({ limit: 9 })).toEqual([]);
  });

  it("that holds a protected address is refused, whoever asks", async () => {
    const { op } = desk();
    expect(codeOf(await op.says("/block 172.0.0.0/8"))).toBe("protected_address");
    op.hears("172.0.0.0/8 holds ");
  });

  it("too many rules in one go are refused", async () => {
    const { op } = desk();
    const ranges = Array.from({ length: 9 }, (_, at) => `203.0.${at}.0/25`).join(" ");
    expect(codeOf(await op.says(`/block ${ranges}`))).toBe("invalid_input");
    op.hears("That would take 1152 rules; one command makes at most 1000.");
  });

  it("in a URL's path is none: only the address counts", async () => {
    const { op, edge } = desk();
    await op.says("/block hxxp://203.0.113.7/24");
    expect(edge.rules).toMatchObject([{ network: IP }]);
  });
});

describe("a block for a while", () => {
  it("says until when, and lifts itself when the time is over", async () => {
    const { op, edge, ledger, passes, keeps } = desk();
    await op.says(`/block ${IP} --for 2h`);
    op.hears(`${IP} is blocked\nUntil: Nov 22, 2026, 11:00 UTC\nRule: rule-1`);
    await passes(2 * HOUR - 1);
    expect([await keeps(), edge.rules.length]).toEqual([0, 1]);
    await passes(1);
    expect([await keeps(), edge.rules.length]).toEqual([1, 0]);
    expect(ledger.blocks).toMatchObject([{ state: "released", released_by: "expiry" }]);
    await op.says(`/blocked ${IP}`);
    op.hears("Last released: Nov 22, 2026, 11:00 UTC, when its time was over");
  });

  it("that came due while nothing ran is lifted at the first look, and the audit has the line", async () => {
    const { op, edge, passes, keeps, audit } = desk();
    await op.says(`/block ${IP} 203.0.113.8 --for 30m`);
    await passes(100 * HOUR);
    await keeps();
    expect(edge.rules).toEqual([]);
    expect(audit.filter(({ action }) => action === "lift")).toMatchObject([
      { identity: "expiry", input: { network: IP }, outcome: "succeeded" },
      { identity: "expiry", input: { network: "203.0.113.8" } },
    ]);
  });

  it("is in the audit also where the audit could not be written at first, or the keeper died before the ledger knew", async () => {
    const { op, passes, keeps, audit, auditLog, ledger } = desk();
    const lines = () => audit.filter(({ action }) => action === "lift").length;
    await op.says(`/block ${IP} --for 1h`);
    await passes(HOUR);
    auditLog.breaks("append", { times: 1 });
    await expect(keeps()).rejects.toThrow("append");
    expect([lines(), ledger.blocks[0]?.state]).toEqual([0, "releasing"]);
    await passes(HOUR);
    ledger.breaks("released", { times: 1 });
    await expect(keeps()).rejects.toThrow("released");
    await passes(HOUR);
    expect([await keeps(), await keeps(), ledger.blocks[0]?.state]).toEqual([1, 0, "released"]);
    expect(lines()).toBe(2);
  });

  it("is extended by blocking again, and never shortened", async () => {
    const { op, passes, keeps, edge } = desk();
    await op.says(`/block ${IP} --for 2h`);
    await op.says(`/block ${IP} --for 1h`);
    op.hears(`${IP} was blocked already\nUntil: Nov 22, 2026, 11:00 UTC`);
    await op.says(`/block ${IP} --for PT4H`);
    op.hears("Until: Nov 22, 2026, 13:00 UTC");
    await passes(3 * HOUR);
    expect([await keeps(), edge.rules.length]).toEqual([0, 1]);
    await passes(HOUR);
    expect([await keeps(), edge.rules.length]).toEqual([1, 0]);
  });

  it("of a rule made by hand does not give it an end", async () => {
    const { op, edge, passes, keeps } = desk();
    edge.hasRule(IP, "by hand");
    await op.says(`/block ${IP} --for 1h`);
    op.hears(
      /^203\.0\.113\.7 was blocked already\nUntil: it is released\nRule: rule-1\n203\.0\.113\.7: the rule was made by others and is ours from now on\./,
    );
    await passes(2 * HOUR);
    expect([await keeps(), edge.rules.length]).toEqual([0, 1]);
  });

  it("goes on being lifted until it is read back as gone", async () => {
    const { op, edge, ledger, passes, keeps } = desk();
    await op.says(`/block ${IP} --for 1h`);
    await passes(HOUR);
    edge.lagging.on = true;
    await keeps();
    expect(ledger.blocks).toMatchObject([{ state: "releasing", tries: 1 }]);
    edge.lagging.on = false;
    await passes(60_000);
    await keeps();
    expect([edge.rules, ledger.blocks]).toMatchObject([[], [{ state: "released" }]]);
  });

  it.each(["2", "soon", "-1h", "0h", "99999d"])("%j is no time", async (typed) => {
    const { op } = desk();
    expect(codeOf(await op.calls("cf_block", { ip: IP, for: typed }))).toBe("invalid_input");
    op.hears("That is not a length of time. Write it like 30m, 2h, 7d or PT2H");
  });
});

describe("a block and a release at once", () => {
  const unavailable = new OpsError("upstream_unavailable", "503");

  it("of what was released before it was made, nobody is told that it is blocked", async () => {
    const { op, edge, passes, ledger } = desk();
    edge.breaks("block", { error: unavailable, times: 1 });
    await op.says(`/block ${IP}`);
    await op.says(`/release ${IP}`);
    op.hears(`${IP} is released`);
    await passes(HOUR);
    op.hears(`${IP} was released by somebody while it was being blocked`);
    expect([edge.rules, ledger.blocks.filter(({ state }) => state !== "released")]).toEqual([[], []]);
  });

  it("what failed decides nothing about the next wish", async () => {
    const { op, edge, passes, ledger } = desk();
    edge.breaks("block", { error: unavailable, times: 8 });
    await op.says(`/block ${IP}`);
    await passes(HOUR);
    op.hears("The other side cannot be reached.");
    await op.says(`/block ${IP} --for 1h --reason again`);
    op.hears(`${IP} is blocked\nUntil: `);
    expect(ledger.blocks).toMatchObject([{ state: "blocked", reason: "again" }]);
  });

  it("a release that cannot look says so, where the ledger knows nothing either", async () => {
    const { op, edge, passes } = desk();
    edge.breaks("lookUp", { error: unavailable, times: 2 });
    await op.says(`/release ${IP}`);
    await passes(HOUR);
    op.hears(/^203\.0\.113\.7 is not blocked$/);
    edge.breaks("lookUp", { error: unavailable });
    await op.says(`/release ${IP}`);
    await passes(HOUR);
    op.hears("The other side cannot be reached.");
  });
});

describe("several zones", () => {
  it("of which one refuses it has it in the others, which is said, with the way back", async () => {
    const { op, edge, runs, ledger } = desk();
    edge.scopes.push("zone:2", "zone:3");
    const { block } = edge;
    const refused = new OpsError("upstream_refused", "another mode", { text: text("cf.token_refused") });
    edge.block = (rule, call) => (rule.scope === "zone:2" && rule.network === IP ? Promise.reject(refused) : block(rule, call));
    await op.says(`/block ${IP}`);
    op.hears(`${IP} is blocked only in zone:1 zone:3. Elsewhere: Cloudflare refuses our token.`);
    op.hears(`Take it back with /cf_release ${IP}, or block it again.`);
    expect(await runs.list({ limit: 1 })).toMatchObject([{ status: "failed", error: { code: "upstream_refused" } }]);
    expect(ledger.blocks.map(({ scope, state }) => [scope, state])).toEqual([
      ["zone:1", "blocked"],
      ["zone:3", "blocked"],
    ]);
    await op.says(`/cf_search ${IP}`);
    op.hears(/^203\.0\.113\.7 is blocked in part\n[\s\S]*Where: zone:1 zone:3\n/);
    await op.says(`/block ${IP} 203.0.113.8`);
    op.hears(`Undo: cf_release ${IP} 203.0.113.8`);
  });

  it("have one rule each, and a failure in one is told", async () => {
    const { op, edge, ledger } = desk();
    edge.scopes.push("zone:2");
    await op.says(`/block ${IP}`);
    expect(edge.rules.map(({ scope }) => scope)).toEqual(["zone:1", "zone:2"]);
    expect(ledger.blocks).toHaveLength(2);
    await op.says(`/block ${IP}`);
    op.hears(`${IP} was blocked already\nUntil: it is released\nRule: rule-1\nRule: rule-2`);
    expect(edge.rules).toHaveLength(2);
  });

  it("where the rule is in one of them only, it is made in the other", async () => {
    const { op, edge } = desk();
    await op.says(`/block ${IP}`);
    edge.scopes.push("zone:2");
    await op.says(`/block ${IP}`);
    op.hears(`${IP} is blocked`);
    expect(edge.rules.map(({ scope }) => scope)).toEqual(["zone:1", "zone:2"]);
  });
});
