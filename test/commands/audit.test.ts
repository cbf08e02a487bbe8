import { describe, expect, it } from "vitest";
import { sinceAt } from "../../commands/since.ts";
import { plain } from "../../core/reply.ts";
import { codeOf, createTestDesk } from "../support/conversation.ts";
import { testTexts, vault } from "../support/test-commands.ts";

function desk() {
  const opened = createTestDesk();
  return { ...opened, admin: opened.person("telegram:1001", "admin"), op: opened.person("telegram:1002", "operator") };
}

describe("audit", () => {
  it("shows who asked for what and what became of it, newest first", async () => {
    const { admin, op } = desk();
    await op.says('/block 203.0.113.7 --reason "brute force"');
    await admin.says("/audit");
    admin.hears(
      /^2 lines of the audit\n# {2}When {2}Who {2}What {2}Outcome\n2 {2}\S.* {2}telegram:1002 {2}run cf_block \{"ip":\["203.0.113.7"\],"reason":"brute force"\} {2}succeeded\n1 /,
    );
  });

  it("of one person, of one command, since a time, and page by page", async () => {
    const { admin, op } = desk();
    for (let line = 0; line < 6; line++) await op.says("/ping");
    for (let line = 0; line < 6; line++) await admin.says("/whoami");
    await admin.says("/audit --person telegram:1002");
    admin.hears(/^6 lines[\s\S]*ping/);
    await admin.says("/audit --command whoami --since 24h");
    admin.hears(/^6 lines/);
    await admin.says("/audit --command ping --since 2030-01-01");
    admin.hears(/^There are no such lines/);
    await admin.says("/audit");
    admin.hears(/^10 lines[\s\S]*\[Next page\]$/);
    await admin.presses("Next page");
    admin.hears(/^5 lines/);
  });

  it("without secrets", async () => {
    const { commands } = await import("../../commands/index.ts");
    const opened = createTestDesk({ commands: [vault, ...commands], texts: testTexts() });
    const admin = opened.person("telegram:1001", "admin");
    await admin.calls("vault_set", { user: "kim", password: "hunter22" });
    await admin.says("/audit");
    admin.hears(/"password":"\*\*\*"/);
    expect(admin.heard.join()).not.toContain("hunter22");
  });

  it("as a file of comma-separated values", async () => {
    const { admin, op, texts } = desk();
    await op.says('/block 203.0.113.7 --reason "=cmd(), with a comma"');
    const outcome = await admin.calls("audit", { csv: true, command: "cf_block" });
    const { file } = plain(outcome.reply, texts, "en", "UTC");
    expect(file).toMatchObject({ name: expect.stringMatching(/^audit-\d{4}-\d\d-\d\d\.csv$/), media_type: "text/csv" });
    const [header, newest] = file?.content.split("\r\n") ?? [];
    expect(header).toBe("seq,at,identity,action,command,input,outcome,request_id,run_id");
    expect(newest).toMatch(
      /^2,[^,]+,telegram:1002,run,cf_block,"\{""ip"":\[""203.0.113.7""\],""reason"":""=cmd\(\), with a comma""\}",succeeded,/,
    );
  });

  it("says so in the first line where a file holds only the newest lines", async () => {
    const { admin, trail, texts } = desk();
    const line = { at: "2026-11-22T09:00:00.000Z", person_id: null, identity: "telegram:1002", action: "ask", command: "ping" } as const;
    const lines = Array.from({ length: 5_001 }, (_, at) => ({
      ...{ ...line, seq: 5_001 - at, input: null, outcome: "succeeded", request_id: "r", run_id: null, previous_hash: "", hash: "" },
    }));
    trail.list = async () => lines;
    const outcome = await admin.calls("audit", { csv: true });
    const { title, file, buttons } = plain(outcome.reply, texts, "en", "UTC");
    expect(title).toBe("The file holds the newest 5000 of these lines; there are older ones");
    expect(file?.content.split("\r\n")).toHaveLength(5_002);
    expect(buttons).toMatchObject([{ action: { line: "audit --before 2 --csv" } }]);
  });

  it("is for admins", async () => {
    const { op } = desk();
    expect(codeOf(await op.says("/audit"))).toBe("forbidden");
    expect(codeOf(await op.says("/audit_verify"))).toBe("forbidden");
  });

  it("refuses what is no input", async () => {
    const { admin } = desk();
    const wrong = [
      { since: "yesterday" },
      { since: "2026-13-41" },
      { since: "" },
      { before: 0 },
      { before: 1.5 },
      { person: "kim" },
      { command: "" },
    ];
    for (const input of wrong) expect([input, codeOf(await admin.calls("audit", input))]).toEqual([input, "invalid_input"]);
    expect(codeOf(await admin.calls("audit_verify", { witness: "7:abc" }))).toBe("invalid_input");
    admin.hears("A witness is a line's number and hash");
  });
});

describe("since", () => {
  const now = new Date("2026-11-27T12:00:00Z");

  it.each([
    ["24h", "2026-11-26T12:00:00.000Z"],
    ["P7D", "2026-11-20T12:00:00.000Z"],
    ["2026-11-01", "2026-11-01T00:00:00.000Z"],
    ["2026-11-01T09:00:00+09:00", "2026-11-01T00:00:00.000Z"],
    ["99999w", "1970-01-01T00:00:00.000Z"],
  ])("%s is %s", (typed, at) => {
    expect(sinceAt(typed, now)).toBe(at);
  });
});

describe("audit_verify", () => {
  it("says how many lines there are, and the last one's hash, to be kept", async () => {
    const { admin } = desk();
    await admin.says("/ping");
    await admin.says("/audit_verify");
    admin.hears(/^The audit is whole\nLines: 2\nLast line and its hash: 2:0{63}2\nKeep this/);
  });

  it("says whether a hash that was kept still fits", async () => {
    const { admin } = desk();
    await admin.says("/ping");
    await admin.says(`/audit_verify 1:${"0".repeat(63)}1`);
    admin.hears(/^The audit is whole/);
    await admin.says(`/audit_verify 1:${"f".repeat(64)}`);
    admin.hears(/^The chain holds, but the line you name has another hash[\s\S]*backup/);
    await admin.says(`/audit_verify 999:${"0".repeat(63)}1`);
    admin.hears(/^The chain holds, but/);
  });

  it("names the first broken line", async () => {
    const { admin, trail } = desk();
    Object.assign(trail, { verify: async () => ({ lines: 9, head: "a".repeat(64), broken: 4 }) });
    await admin.says("/audit_verify");
    admin.hears(/^The audit was changed: line 4 is the first[^\n]*\nLines: 9\nCompare it with a backup/);
  });
});
