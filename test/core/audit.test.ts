import { describe, expect, it } from "vitest";
import { createTestDesk, type Persona, type TestDesk, tokenOf } from "../support/conversation.ts";
import { testTexts, vault } from "../support/test-commands.ts";

interface People {
  readonly desk: TestDesk;
  readonly admin: Persona;
  readonly op: Persona;
  readonly viewer: Persona;
  readonly stranger: Persona;
}

function people(): People {
  const desk = createTestDesk();
  return {
    desk,
    admin: desk.person("telegram:1001", "admin"),
    op: desk.person("telegram:1002", "operator"),
    viewer: desk.person("telegram:1003", "viewer"),
    stranger: desk.person("telegram:9", null),
  };
}

/** The last line of the audit: action, command, input, outcome. */
const lastLine = ({ audit }: TestDesk) => {
  const { action, command, input, outcome } = audit.at(-1) ?? { action: "", command: "", input: null, outcome: "" };
  return [action, command, input, outcome];
};

const GRANT = { identity: "telegram:8", role: "admin" };

describe("the audit says who asked what, and what became of it", () => {
  it.each<[string, (all: People) => Promise<unknown>, readonly unknown[]]>([
    ["a read", ({ viewer }) => viewer.says("/ping"), ["ask", "ping", {}, "done"]],
    ["a run's end", ({ op }) => op.says("/block 203.0.113.7"), ["run", "cf_block", { ip: ["203.0.113.7"] }, "succeeded"]],
    ["a question", ({ op }) => op.says("/block"), ["ask", "cf_block", null, "ask"]],
    ["words nobody knows", ({ op }) => op.says("good morning"), ["ask", null, null, "suggest"]],
    ["what is forbidden", ({ viewer }) => viewer.says("/block 203.0.113.7"), ["ask", "cf_block", null, "forbidden"]],
    ["a stranger", ({ stranger }) => stranger.says("/block 203.0.113.7"), ["ask", null, null, "forbidden"]],
    ["a wrong input", ({ op }) => op.calls("cf_block", { ip: "nonsense" }), ["ask", "cf_block", null, "invalid_input"]],
    ["a protected address", ({ op }) => op.says("/block 127.0.0.1"), ["ask", "cf_block", { ip: ["127.0.0.1"] }, "protected_address"]],
    ["an unknown command", ({ op }) => op.calls("nonsense", {}), ["ask", null, null, "unknown_command"]],
    ["what is to be confirmed", ({ admin }) => admin.says("/grant telegram:8 admin"), ["ask", "grant", GRANT, "confirm"]],
  ])("%s", async (_, happens, line) => {
    const all = people();
    await happens(all);
    expect(lastLine(all.desk)).toEqual(line);
  });

  it("a confirmation, its second press, another person's press, and one that was dropped", async () => {
    const { desk, admin, op } = people();
    const token = tokenOf(await admin.says("/grant telegram:8 admin"));
    await op.asks({ kind: "confirm", token });
    expect(lastLine(desk)).toEqual(["confirm", null, null, "confirmation_gone"]);
    await admin.asks({ kind: "confirm", token });
    expect(lastLine(desk)).toEqual(["confirm", "grant", GRANT, "done"]);
    await admin.asks({ kind: "confirm", token });
    expect(lastLine(desk)).toEqual(["confirm", null, null, "confirmation_gone"]);
    await admin.asks({ kind: "cancel", token: tokenOf(await admin.says("/grant telegram:7 admin")) });
    expect(lastLine(desk)).toEqual(["cancel", "grant", { identity: "telegram:7", role: "admin" }, "done"]);
  });

  it("a dialogue that was ended", async () => {
    const { desk, op } = people();
    await op.says("/block");
    await op.says("отмена");
    expect(lastLine(desk)).toEqual(["ask", "cf_block", null, "done"]);
  });

  it("a dialogue: the question, the answer, the run", async () => {
    const { desk, op } = people();
    await op.says("/block");
    await op.says("203.0.113.7");
    expect(desk.audit.map(({ action, command, outcome }) => [action, command, outcome])).toEqual([
      ["ask", "cf_block", "ask"],
      ["ask", "cf_block", "queued"],
      ["run", "cf_block", "succeeded"],
    ]);
  });

  it("too many lines leave no line: what is kept for ever must not be filled by anybody", async () => {
    const { desk, viewer } = people();
    for (let line = 1; line <= 25; line++) await viewer.says("/ping");
    expect(desk.audit).toHaveLength(20);
  });

  it("by person, identity, request and run", async () => {
    const { desk, op, stranger } = people();
    const outcome = await op.says("/block 203.0.113.7");
    await stranger.says("hello");
    const run_id = outcome.kind === "queued" ? outcome.run_id : "";
    const who = { person_id: "p-telegram:1002", identity: "telegram:1002", request_id: "request-1", run_id };
    expect(desk.audit).toMatchObject([who, who, { person_id: null, identity: "telegram:9", request_id: "request-2", run_id: null }]);
  });

  it("without secrets", async () => {
    const desk = createTestDesk({ commands: [vault], texts: testTexts() });
    const op = desk.person("telegram:1002", "operator");
    await op.asks({ kind: "confirm", token: tokenOf(await op.says("/vault_set root hunter22")) });
    expect(desk.audit.map(({ action, input }) => [action, input])).toEqual([
      ["ask", { user: "root", password: "***" }],
      ["confirm", { user: "root", password: "***" }],
      ["run", { user: "root", password: "***" }],
    ]);
  });
});
