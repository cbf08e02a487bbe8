import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import { createTestDesk } from "../support/conversation.ts";

const unavailable = new OpsError("upstream_unavailable", "connection reset");
const ALL_TRIES_MS = 600_000;
const IP = "203.0.113.7";

function desk() {
  const opened = createTestDesk();
  return { ...opened, op: opened.person("telegram:1002", "operator"), viewer: opened.person("telegram:1003", "viewer") };
}

describe("looking up", () => {
  it("says where, since when, by whom, why and until when", async () => {
    const { op, viewer } = desk();
    await op.says(`/block ${IP} --reason scan --for 2h`);
    await viewer.says(`/blocked ${IP}`);
    viewer.hears(
      /^203\.0\.113\.7 is blocked\nSince: Nov 22, 2026, 09:00 UTC\nBy: telegram:1002\nWhy: scan\nUntil: Nov 22, 2026, 11:00 UTC\nWhere: zone:1\nRule: rule-1$/,
    );
    await viewer.says("/cf_search 203.0.113.8");
    viewer.hears(/^203\.0\.113\.8 is not blocked$/);
  });

  it("answers from a range that contains it, ours or not", async () => {
    const { op, viewer, edge } = desk();
    await op.says("/block 203.0.113.0/24 --reason scan");
    await viewer.says(`/blocked ${IP}`);
    viewer.hears(
      /^203\.0\.113\.7 is blocked\nBy the range: 203\.0\.113\.0\/24\n(.*\n)*By: telegram:1002\nWhy: scan\nUntil: it is released/,
    );
    edge.hasRule("198.51.0.0/16", "by hand");
    await viewer.says("/blocked 198.51.100.1");
    viewer.hears(/^198\.51\.100\.1 is blocked\nBy the range: 198\.51\.0\.0\/16\n(.*\n)*By: not by Switchboard\nNotes: by hand/);
  });

  it("knows the rule of a block whose run was cancelled before it heard that the rule was made", async () => {
    const { op, viewer, edge } = desk();
    edge.breaks("block", { error: new OpsError("outcome_unknown", "cut off"), after: true });
    await op.says(`/block ${IP} --reason scan`);
    const run_id = /Run: ([0-9a-z]{12})/.exec(op.heard.at(-1) ?? "")?.[1];
    await op.says(`/run_cancel ${run_id}`);
    await viewer.says(`/blocked ${IP}`);
    viewer.hears(/^203\.0\.113\.7 is blocked\nSince: .*\nBy: telegram:1002\nWhy: scan\nUntil: it is released\n/);
    await viewer.says("/cf_list");
    viewer.hears(/^Blocked: 1\nIn all: ours 1, of others 0, drift 0/);
  });

  it("tells of a rule that somebody removed in Cloudflare's own console, and what to do", async () => {
    const { op, viewer, edge } = desk();
    await op.says(`/block ${IP}`);
    edge.loses("rule-1");
    await viewer.says(`/blocked ${IP}`);
    viewer.hears(/^203\.0\.113\.7 is not blocked\n(.*\n)*The ledger says that it is blocked, but its rule is gone/);
    viewer.hears(`/cf_block ${IP}`);
    await op.says(`/block ${IP}`);
    op.hears(`${IP} is blocked`);
    await viewer.says(`/blocked ${IP}`);
    viewer.hears(/^203\.0\.113\.7 is blocked/);
  });

  it("tells who lifted the last block", async () => {
    const { op, viewer } = desk();
    await op.says(`/block ${IP}`);
    await op.says(`/release ${IP}`);
    await viewer.says(`/blocked ${IP}`);
    viewer.hears(`${IP} is not blocked\nLast released: Nov 22, 2026, 09:00 UTC by telegram:1002`);
  });

  it("tells a part of a range from the whole of it", async () => {
    const { op, viewer } = desk();
    await op.says("/block 203.0.113.8 203.0.113.9");
    await viewer.says("/blocked 203.0.113.8/30");
    viewer.hears("203.0.113.8/30 is blocked in part");
    await viewer.says("/blocked 203.0.113.8/31");
    viewer.hears("203.0.113.8/31 is blocked");
  });

  it("shows several as a table, and protected ones too", async () => {
    const { viewer, edge } = desk();
    edge.hasRule(IP, "by hand");
    await viewer.says(`/cf_search ${IP} 10.0.0.1`);
    viewer.hears(/^2 addresses\n.*\n203\.0\.113\.7 {2}blocked {2}by hand\n10\.0\.0\.1 {2}not blocked/);
    expect(edge.calls("lookUp")).toBe(1);
  });

  it("is tried again, four times at most", async () => {
    const { viewer, edge, passes } = desk();
    edge.breaks("lookUp", { error: unavailable });
    await viewer.says(`/cf_search ${IP}`);
    await passes(ALL_TRIES_MS);
    viewer.hears("The other side cannot be reached.");
    expect(edge.calls("lookUp")).toBe(4);
  });
});

describe("the list", () => {
  it("shows ours and those of others, newest first, page by page", async () => {
    const { op, viewer, edge } = desk();
    edge.hasRule("198.51.100.9", "by hand");
    await op.says(`/block ${Array.from({ length: 25 }, (_, at) => `203.0.113.${at}`).join(" ")} --reason scan`);
    await viewer.says("/cf_list");
    viewer.hears(/^Blocked: 26\nIn all: ours 25, of others 1, drift 0\nAs of: Nov 22, 2026, 09:00 UTC\nAddress {2}Until {2}Who and why\n/);
    viewer.hears("Page 1 of 2.");
    await viewer.presses("Next page");
    viewer.hears(/198\.51\.100\.9 {2}– {2}not by Switchboard: by hand/);
    await viewer.says("/cf_list foreign");
    viewer.hears(/^Rules of others: 1\n/);
  });

  it("shows what drifted", async () => {
    const { op, viewer, edge } = desk();
    await op.says(`/block ${IP}`);
    edge.loses("rule-1");
    await viewer.says("/cf_list drift");
    viewer.hears(/^Gone or changed at Cloudflare: 1\n(.*\n)*203\.0\.113\.7 {2}rule gone {2}telegram:1002/);
  });

  it("is a CSV file where that is asked for, in which nothing is a formula", async () => {
    const { op, viewer, runs } = desk();
    await op.says(`/block ${IP} --reason "=HYPERLINK(1)"`);
    const outcome = await viewer.says("/cf_list --csv");
    const run = outcome.kind === "queued" ? await runs.get(outcome.run_id) : null;
    expect(run).toMatchObject({ status: "succeeded", output: { csv: true, entries: [{ network: IP }] } });
  });

  it("that is longer than a file says so in its first line, and gives the rest as further files", async () => {
    const { viewer, rules, runs } = desk();
    const asked: number[] = [];
    const found = { network: IP, scope: "zone:1", rule_id: "rule-1", owner: "foreign", drift: null } as const;
    const entry = { ...found, since: null, identity: null, reason: null, expires_at: null };
    rules.list = async ({ offset }) => {
      asked.push(offset);
      return { entries: [entry, entry], total: 50_002 };
    };
    await viewer.says("/cf_list foreign --csv");
    viewer.hears(/^The file holds 1–2 of 50002, newest first\n/);
    viewer.hears("The next file: /cf_list foreign --csv --page 2");
    await viewer.presses("Next page");
    viewer.hears(/^The file holds 50001–50002 of 50002, newest first\n/);
    expect(asked).toEqual([0, 50_000]);
    expect(await runs.listWithOutputs({ limit: 1 })).toMatchObject([{ output: { csv: true, page: 2, pages: 2 } }]);
  });

  it("says where a page is past the end", async () => {
    const { viewer } = desk();
    await viewer.says("/cf_list --page 9");
    viewer.hears(/^Blocked: 0\n[\s\S]*There is no page 9; the last one is 1\./);
    await viewer.says("/cf_list --csv --page 9");
    viewer.hears(/^Blocked: 0\n[\s\S]*There is no page 9; the last one is 1\./);
    await viewer.presses("Previous");
    expect(viewer.heard.at(-1)).not.toContain("no page");
  });
});
