import { describe, expect, it } from "vitest";
import { codeOf, createTestDesk } from "../support/conversation.ts";

function desk() {
  const opened = createTestDesk();
  const people = { admin: opened.person("telegram:1001", "admin"), op: opened.person("telegram:1002", "operator") };
  return { ...opened, ...people, viewer: opened.person("telegram:1003", "viewer") };
}

/** The first column of the last answer's rows. */
const idsOf = (heard: readonly string[]) => [...(heard.at(-1) ?? "").matchAll(/^([0-9a-z]{12}) {2}/gm)].map(([, id]) => id ?? "");

describe("run_list", () => {
  it("shows one's own runs, newest first", async () => {
    const { op, viewer, passes } = desk();
    await op.says("/block 203.0.113.7");
    await passes(1_000);
    await viewer.says("/cf_search 203.0.113.7");
    await passes(1_000);
    await viewer.says("/cf_search 203.0.113.8");
    await viewer.says("/run_list");
    viewer.hears(
      /^2 runs, newest first\nRun {2}Command {2}State {2}Asked by {2}Asked\n[0-9a-z]{12} {2}cf_search {2}succeeded {2}telegram:1003 {2}\S/,
    );
    viewer.hears(/^(?![\s\S]*cf_block)/);
    await op.says("/run_list");
    op.hears(/^1 run, newest first\n/);
  });

  it("says so where there are none", async () => {
    const { viewer } = desk();
    await viewer.says("/run_list");
    viewer.hears(/^There are no such runs\.$/);
  });

  it("shows an operator everybody's, or somebody's", async () => {
    const { op, viewer } = desk();
    await viewer.says("/cf_search 203.0.113.7");
    await op.says("/block 203.0.113.7");
    await op.says("/run_list --all");
    op.hears(/^2 runs/);
    for (const flags of ["--person telegram:1003", "--person TELEGRAM:1003", "--all --command cf-search", "--all --command /cf_search"]) {
      await op.says(`/run_list ${flags}`);
      op.hears(/^1 run,[\s\S]*telegram:1003/);
    }
    await op.says("/run_list --person key:ci");
    op.hears("There are no such runs.");
  });

  it.each(["--all", "--person telegram:1002", "--person telegram:404"])("shows a viewer nobody else's: %s", async (flags) => {
    const { viewer } = desk();
    expect(codeOf(await viewer.says(`/run_list ${flags}`))).toBe("forbidden");
    viewer.hears("You may see your own runs only");
  });

  it("lets a viewer name themselves", async () => {
    const { viewer } = desk();
    await viewer.says("/cf_search 203.0.113.7");
    await viewer.says("/run_list --person telegram:1003");
    viewer.hears(/^1 run/);
  });

  it("by state", async () => {
    const { op, edge } = desk();
    edge.breaks("block", { error: new Error("a mistake"), times: 1 });
    await op.says("/block 203.0.113.7");
    await op.says("/block 203.0.113.8");
    await op.says("/run_list failed");
    op.hears(/^1 run,[\s\S]* {2}failed {2}/);
  });

  it("page by page, by a button, with what was asked for", async () => {
    const { op, passes } = desk();
    for (let run = 0; run < 20; run++) {
      await op.calls("cf_search", { ip: `203.0.113.${run}` });
      await passes(1_000);
    }
    await op.says("/run_list succeeded --all");
    const first = idsOf(op.heard);
    expect(first).toHaveLength(15);
    op.hears(/\[Next page\]$/);
    await op.presses("Next page");
    op.hears(/^5 runs/);
    const second = idsOf(op.heard);
    expect(new Set([...first, ...second]).size).toBe(20);
    op.hears(/^(?![\s\S]*Next page)/);
  });

  it("refuses what is no input", async () => {
    const { op } = desk();
    const wrong = [{ status: "done" }, { cursor: "x" }, { person: "kim" }, { command: "drop table" + ";" }, { all: "maybe" }, { limit: 7 }];
    for (const input of wrong) expect([input, codeOf(await op.calls("run_list", input))]).toEqual([input, "invalid_input"]);
    expect(codeOf(await op.says("/run_list --cursor 000000000000"))).toBe("not_found");
    op.hears("Begin again with run_list.");
  });

  it("does not tell a viewer whether somebody else's run is there", async () => {
    const { op, viewer } = desk();
    const others = await op.says("/block 203.0.113.7");
    const told = [];
    for (const run_id of [others.kind === "queued" ? others.run_id : "", "000000000000"]) {
      expect(codeOf(await viewer.says(`/run_list --cursor ${run_id}`))).toBe("not_found");
      told.push(viewer.heard.at(-1));
    }
    expect(told[0]).toBe(told[1]);
  });

  it.each([
    ["ko", /^실행 1건\(최신순\)\n실행 {2}명령 {2}상태/],
    ["ru", /^1 запуск, сначала новые\n/],
  ] as const)("in %s", async (locale, words) => {
    const opened = desk();
    const other = opened.person("telegram:1002", "operator", { locale, chat: locale });
    await other.says("/cf_search 203.0.113.7");
    await other.says("/run_list");
    other.hears(words);
  });
});
