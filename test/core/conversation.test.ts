import { describe, expect, it } from "vitest";
import { codeOf, createTestDesk } from "../support/conversation.ts";

/** Two people who talk to one desk. */
function desk() {
  const opened = createTestDesk();
  return { desk: opened, op: opened.person("telegram:1002", "operator"), admin: opened.person("telegram:1001", "admin") };
}

describe("a missing argument", () => {
  it("is asked for, and the answer runs the command", async () => {
    const { desk: opened, op } = desk();
    expect(await op.says("/block")).toMatchObject({ kind: "ask", field: "ip" });
    op.hears("Which IP address should be blocked?\nType “cancel” to stop. In a group, reply to this message.");
    expect(await op.says("203.0.113.7, 203.0.113.8")).toMatchObject({ kind: "queued" });
    expect(opened.edge.rules.map(({ network }) => network)).toEqual(["203.0.113.7", "203.0.113.8"]);
    expect(await op.says("203.0.113.9")).toMatchObject({ kind: "suggest" });
  });

  it("is asked for in turn, each in the person's language", async () => {
    const opened = createTestDesk();
    const admin = opened.person("telegram:1001", "admin", { locale: "ko" });
    expect(await admin.says("/grant")).toMatchObject({ kind: "ask", field: "identity" });
    admin.hears(/[가-힣]/);
    expect(await admin.says("telegram:9")).toMatchObject({ kind: "ask", field: "role" });
    expect(await admin.says("operator")).toMatchObject({ kind: "done" });
    admin.hears(/telegram:9/);
    expect(await opened.people.find("telegram:9")).toMatchObject({ role: "operator" });
  });

  it("keeps the flags that were given already, and takes more with the answer", async () => {
    const { desk: opened, op } = desk();
    await op.says("/block --reason scan");
    await op.says("203.0.113.7");
    await op.says("/block");
    await op.says('203.0.113.8 --reason "brute force"');
    expect(opened.edge.rules.map(({ notes }) => notes.split(": ")[1])).toEqual(["scan", "brute force"]);
  });

  it("is not asked for over REST, which has nobody to ask", async () => {
    const { op } = desk();
    expect(codeOf(await op.calls("cf_block", {}))).toBe("invalid_input");
    op.hears("ip is missing. Please give it.");
  });

  it("is not asked for while what was given is wrong", async () => {
    const { admin } = desk();
    expect(codeOf(await admin.says("/grant kim"))).toBe("invalid_input");
    admin.hears("A person is written like telegram:1002, webex:kim@example.com or slack:U012AB3CD.");
    expect(await admin.says("viewer")).toMatchObject({ kind: "suggest" });
  });
});

describe("a wrong answer", () => {
  it("is refused with what was expected, and the question stays open", async () => {
    const { desk: opened, op } = desk();
    await op.says("/block");
    for (const wrong of ["the one from yesterday", "300.1.1.1", "203.0.113.7 --colour red", '"203.0.113.7']) {
      expect(codeOf(await op.says(wrong))).toBe("invalid_input");
    }
    expect(codeOf(await op.says("10.0.0.1"))).toBe("protected_address");
    op.hears("10.0.0.1 is a private address");
    expect(opened.edge.rules).toEqual([]);
    expect(await op.says("203.0.113.7")).toMatchObject({ kind: "queued" });
    op.hears("203.0.113.7 is blocked");
  });

  it("to a later question leaves what was answered before", async () => {
    const { admin } = desk();
    await admin.says("/grant telegram:9");
    expect(codeOf(await admin.says("king"))).toBe("invalid_input");
    admin.hears("role must be one of: viewer, operator, admin.");
    await admin.says("viewer");
    admin.hears("telegram:9 is now viewer");
  });

  it("is not repeated back where it looks like a command", async () => {
    const { op } = desk();
    await op.says("/block");
    expect(await op.says("/blokc 203.0.113.7")).toMatchObject({ kind: "suggest", commands: expect.arrayContaining(["cf_block"]) });
    expect(await op.says("203.0.113.7")).toMatchObject({ kind: "queued" });
  });
});

describe("a question ends", () => {
  const WORDS = [
    "cancel",
    "/cancel",
    "Cancel ",
    "no",
    "취소",
    "아니",
    "отмена",
    "ОТМЕНА",
    "Cancel.",
    "no!",
    "/cancel@ops_bot",
    "/cancel@ops_bot.",
  ];

  it.each(WORDS)("with %j", async (word) => {
    const { desk: opened, op } = desk();
    await op.says("/block");
    expect(await op.says(word)).toMatchObject({ kind: "done", output: null });
    op.hears("Cancelled. Nothing was changed.");
    expect(await op.says("203.0.113.7")).toMatchObject({ kind: "suggest" });
    expect(opened.edge.rules).toEqual([]);
  });

  it.each(["cancel it", "cancellation", "no@ops_bot", "//cancel", "."])("not with %j, which is an answer", async (word) => {
    const { op } = desk();
    await op.says("/block");
    await op.says(word);
    expect(await op.says("203.0.113.7")).toMatchObject({ kind: "queued" });
  });

  it.each(WORDS)("and where none is open, %j says so", async (word) => {
    const { op } = desk();
    expect(await op.says(word)).toMatchObject({ kind: "done", output: null });
    op.hears(/^There is nothing to cancel\.$/);
  });

  it.each([
    ["ko", "취소", "취소할 것이 없습니다."],
    ["ru", "отмена", "Отменять нечего."],
  ] as const)("or is not open, in %s", async (locale, word, sentence) => {
    const op = createTestDesk().person("telegram:1002", "operator", { locale });
    await op.says(word);
    op.hears(sentence);
  });

  it("after 180 seconds", async () => {
    const { desk: opened, op } = desk();
    await op.says("/block");
    await opened.passes(179_000);
    expect(codeOf(await op.says("that one"))).toBe("invalid_input");
    await opened.passes(1_000);
    expect(await op.says("203.0.113.7")).toMatchObject({ kind: "suggest" });
  });

  it("with another command, whose own question takes its place", async () => {
    const { desk: opened, op } = desk();
    await op.says("/block");
    await op.says("/ping");
    expect(await op.says("203.0.113.7")).toMatchObject({ kind: "suggest" });
    await op.says("/block");
    await op.says("/release");
    op.hears("Which IP address should be released?");
    await op.says("203.0.113.7");
    op.hears("203.0.113.7 is not blocked");
    expect(opened.edge.rules).toEqual([]);
  });

  it("when the role is withdrawn", async () => {
    const { desk: opened, op } = desk();
    await op.says("/block");
    opened.knownPeople.set("telegram:1002", "viewer");
    expect(codeOf(await op.says("203.0.113.7"))).toBe("forbidden");
    expect(await opened.runs.list({ limit: 9 })).toEqual([]);
  });
});

describe("a question belongs", () => {
  it("to one person in one chat", async () => {
    const { desk: opened, op } = desk();
    const elsewhere = opened.person("telegram:1002", "operator", { chat: "group" });
    const other = opened.person("telegram:1004", "operator", { chat: "telegram:1002" });
    await op.says("/block");
    expect(await elsewhere.says("203.0.113.7")).toMatchObject({ kind: "suggest" });
    expect(await other.says("203.0.113.7")).toMatchObject({ kind: "suggest" });
    expect(await op.says("203.0.113.7")).toMatchObject({ kind: "queued" });
  });
});

describe("a redelivered line", () => {
  it("asks the same question again", async () => {
    const { admin } = desk();
    const asked = await admin.says("/grant telegram:9");
    expect(await admin.repeats()).toEqual(asked);
    await admin.says("viewer");
    admin.hears("telegram:9 is now viewer");
  });

  it("that answered is one run", async () => {
    const { desk: opened, op } = desk();
    await op.says("/block");
    const first = await op.says("203.0.113.7");
    expect(await op.repeats()).toEqual(first);
    expect(await opened.runs.list({ limit: 9 })).toHaveLength(1);
  });

  it("that answered one question asks the next one again", async () => {
    const { admin } = desk();
    await admin.says("/grant");
    const next = await admin.says("telegram:9");
    expect(next).toMatchObject({ kind: "ask", field: "role" });
    expect(await admin.repeats()).toEqual(next);
    await admin.says("viewer");
    admin.hears("telegram:9 is now viewer");
  });

  it("that cancelled has cancelled", async () => {
    const { op } = desk();
    await op.says("/block");
    const cancelled = await op.says("cancel");
    expect(await op.repeats()).toEqual(cancelled);
  });
});
