import { describe, expect, it } from "vitest";
import { codeOf, createTestDesk } from "../support/conversation.ts";

function desk() {
  const opened = createTestDesk();
  return { ...opened, admin: opened.person("telegram:1001", "admin") };
}

describe("granting", () => {
  it("gives a role in place of the one held, and offers the way back", async () => {
    const { admin, people } = desk();
    await admin.says("/grant telegram:9 viewer");
    admin.hears(/^telegram:9 is now viewer\nUndo: revoke telegram:9$/);
    await admin.says("/grant telegram:9 OPERATOR");
    admin.hears(/^telegram:9 is now operator\nBefore: viewer\nUndo: grant telegram:9 viewer$/);
    await admin.says("grant telegram:9 viewer");
    expect(await people.find("telegram:9")).toMatchObject({ role: "viewer" });
  });

  it("what is held already changes nothing, and there is nothing to undo", async () => {
    const { admin } = desk();
    await admin.says("/grant telegram:9 viewer");
    await admin.says("/grant telegram:9 viewer");
    admin.hears(/^telegram:9 is viewer already$/);
  });

  it("knows a Webex address in any case", async () => {
    const { admin, people } = desk();
    await admin.says("/grant webex:Kim@Example.com operator");
    expect(await people.find("webex:kim@example.com")).toMatchObject({ role: "operator" });
  });

  it("knows a platform in any case, as phones write it at the beginning of a line", async () => {
    const { admin, people } = desk();
    await admin.says("/grant Telegram:9 viewer");
    expect(await people.find("telegram:9")).toMatchObject({ role: "viewer" });
    await admin.says("/revoke TELEGRAM:9");
    admin.hears(/^telegram:9 has no role any more/);
    expect(codeOf(await admin.says("/revoke key:ci"))).toBe("invalid_input");
  });

  it.each(["kim", "telegram:", "telegram:9 9", "@kim", "telegram:@kim", "key:ci", "local:x", "slack:kim"])(
    "refuses %j, which is nobody",
    async (who) => {
      const { admin } = desk();
      expect(codeOf(await admin.calls("grant", { identity: who, role: "viewer" }))).toBe("invalid_input");
      admin.hears("A person is written like telegram:1002, webex:kim@example.com or slack:U012AB3CD.");
    },
  );

  it.each(["ingest", "root", ""])("refuses the role %j", async (role) => {
    const { admin } = desk();
    expect(codeOf(await admin.calls("grant", { identity: "telegram:9", role }))).toBe("invalid_input");
    admin.hears("role must be one of: viewer, operator, admin.");
  });

  it.each(["/grant telegram:1001 viewer", "/revoke telegram:1001"])("nobody changes their own role: %s", async (line) => {
    const { admin, people } = desk();
    expect(codeOf(await admin.says(line))).toBe("invalid_input");
    admin.hears("You cannot change your own role. Ask another admin.");
    expect(await people.find("telegram:1001")).toMatchObject({ role: "admin" });
  });
});

describe("revoking", () => {
  it("takes the role, at once, and offers the way back", async () => {
    const opened = desk();
    const op = opened.person("telegram:1002", "operator");
    await opened.admin.says("/revoke telegram:1002");
    opened.admin.hears(/^telegram:1002 has no role any more\nUndo: grant telegram:1002 operator$/);
    expect(codeOf(await op.says("/ping"))).toBe("forbidden");
    op.hears("I don't know you yet.");
  });

  it("of one who has none changes nothing", async () => {
    const { admin } = desk();
    await admin.says("/revoke telegram:9");
    admin.hears(/^telegram:9 had no role$/);
  });
});

describe("at the desk", () => {
  it("whoami says who one is here", async () => {
    const opened = desk();
    const ru = opened.person("telegram:1003", "viewer", { locale: "ru" });
    expect(await ru.says("/whoami")).toMatchObject({ output: { identity: "telegram:1003", role: "viewer" } });
    ru.hears("telegram:1003");
  });

  it("ping names what is ill", async () => {
    const { admin, health } = desk();
    await admin.says("/ping");
    admin.hears(/^Everything works\ndatabase: ok$/);
    health.check = async () => [
      { part: "database", state: "ok" },
      { part: "telegram", state: "down", note: "401" },
    ];
    await admin.says("/ping");
    admin.hears(/^Not everything works\ndatabase: ok\ntelegram: down \(401\)$/);
  });

  it("help explains one command, by any of its names, in the person's language", async () => {
    const opened = desk();
    for (const name of ["cf_block", "cf block", "/block", "BAN"]) {
      await opened.admin.says(`/help ${name}`);
      opened.admin.hears(
        /^Block IP addresses and ranges at Cloudflare\nHow: \/cf_block <ip\.\.\.> \[--for <text>\] \[--reason <text>\]\nAlso: \/block \/ban\nExample: \/cf_block/,
      );
    }
    const ko = opened.person("telegram:1002", "operator", { locale: "ko" });
    await ko.says("/help block");
    ko.hears("Cloudflare에서 IP 주소와 대역 차단");
  });

  it("start, the first thing Telegram sends, is help", async () => {
    const { admin, registry } = desk();
    await admin.says("/start");
    admin.hears("What you can ask for");
    for (const { slug } of registry.catalogue.list("admin")) admin.hears(`/${slug}: `);
  });
});
