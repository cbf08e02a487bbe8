import { describe, expect, it } from "vitest";
import type { Outcome } from "../../core/request.ts";
import { codeOf, createTestDesk, type Persona, tokenOf } from "../support/conversation.ts";
import { testTexts, vault } from "../support/test-commands.ts";

const GRANT = "/grant telegram:9 admin";
const YES = "Yes, run it";
const GONE = "That question is not open any more. Ask again from the start.";

/** An admin who has been asked whether they mean it. */
async function asked() {
  const desk = createTestDesk();
  const admin = desk.person("telegram:1001", "admin");
  const question = await admin.says(GRANT);
  const role = async () => (await desk.people.find("telegram:9"))?.role ?? null;
  return { desk, admin, token: tokenOf(question), role };
}

const press = (who: Persona, token: string): Promise<Outcome> => who.asks({ kind: "confirm", token });

describe("what is dangerous", () => {
  it("is asked for, with what will be done, and nothing is done", async () => {
    const { admin, role } = await asked();
    admin.hears("Really run grant?\nidentity: telegram:9\nrole: admin\nThe question stays open for 10 minutes.\n[Yes, run it]\n[No]");
    expect(await role()).toBeNull();
  });

  it("is done once it is confirmed, and no more", async () => {
    const { desk, admin, role } = await asked();
    expect(await admin.presses(YES)).toMatchObject({ kind: "done", output: { after: "admin" } });
    admin.hears("telegram:9 is now admin");
    expect(await role()).toBe("admin");
    expect(codeOf(await admin.presses(YES))).toBe("confirmation_gone");
    admin.hears(GONE);
    expect(desk.people.calls("grant")).toBe(1);
  });

  it("is not done when it is dropped, and cannot be confirmed then", async () => {
    const { admin, role } = await asked();
    expect(await admin.presses("No")).toMatchObject({ kind: "done", output: null });
    admin.hears("Cancelled. Nothing was changed.");
    expect(codeOf(await admin.presses(YES))).toBe("confirmation_gone");
    expect(codeOf(await admin.presses("No"))).toBe("confirmation_gone");
    expect(await role()).toBeNull();
  });

  it("is asked for over REST too, and queued like anything else when confirmed", async () => {
    const desk = createTestDesk({ commands: [vault], texts: testTexts() });
    const op = desk.person("key:ci", "operator");
    const question = await op.calls("vault_set", { user: "root", password: "hunter22" });
    const outcome = await press(op, tokenOf(question));
    expect(outcome).toMatchObject({ kind: "queued" });
    op.hears("kept for root");
  });

  it("is not what is only a write", async () => {
    const { admin } = await asked();
    expect(await admin.says("/grant telegram:9 operator")).toMatchObject({ kind: "done" });
  });
});

describe("a question to confirm", () => {
  it("is nobody else's: they hear no more than that it is gone, and it stays", async () => {
    const { desk, admin, token, role } = await asked();
    const other = desk.person("telegram:1005", "admin");
    for (const kind of ["confirm", "cancel"] as const) {
      expect(codeOf(await other.asks({ kind, token }))).toBe("confirmation_gone");
      other.hears(GONE);
    }
    expect(codeOf(await desk.person("telegram:9", null).asks({ kind: "confirm", token }))).toBe("forbidden");
    expect(await role()).toBeNull();
    await admin.presses(YES);
    expect(await role()).toBe("admin");
  });

  it("is open for ten minutes", async () => {
    const early = await asked();
    await early.desk.passes(599_999);
    expect(await early.admin.presses(YES)).toMatchObject({ kind: "done" });
    const late = await asked();
    await late.desk.passes(600_000);
    expect(codeOf(await late.admin.presses(YES))).toBe("confirmation_gone");
  });

  it("is refused to one whose role was withdrawn meanwhile", async () => {
    const { desk, admin, role } = await asked();
    desk.knownPeople.set("telegram:1001", "operator");
    expect(codeOf(await admin.presses(YES))).toBe("forbidden");
    admin.hears("You may not run grant.");
    expect(await role()).toBeNull();
  });

  it.each(["", "token-99", "../token-1", "token-1\u0000"])("that was never asked is gone: %j", async (token) => {
    const { admin } = await asked();
    expect(codeOf(await press(admin, token))).toBe("confirmation_gone");
  });
});

describe("the press of a button that is delivered again", () => {
  it("has the same outcome", async () => {
    const { desk, admin } = await asked();
    const done = await admin.presses(YES);
    expect(await admin.repeats()).toEqual(done);
    expect(await admin.repeats()).toEqual(done);
    expect(desk.people.calls("grant")).toBe(1);
    expect(await desk.runs.list({ limit: 9 })).toHaveLength(1);
  });

  it("has dropped it still", async () => {
    const { admin } = await asked();
    const dropped = await admin.presses("No");
    expect(await admin.repeats()).toEqual(dropped);
  });

  it("twice at once is one run, and one is told that it was used", async () => {
    const { desk, admin, token } = await asked();
    const outcomes = await Promise.all([press(admin, token), press(admin, token)]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(["done", "failed"]);
    expect(desk.people.calls("grant")).toBe(1);
    expect(await desk.runs.list({ limit: 9 })).toHaveLength(1);
  });
});

describe("a crash", () => {
  it("while the token is marked does nothing, and says so", async () => {
    const { desk, admin, token, role } = await asked();
    desk.ephemeral.breaks("put", { times: 1 });
    expect(codeOf(await press(admin, token))).toBe("unavailable");
    expect(codeOf(await admin.repeats())).toBe("confirmation_gone");
    expect(await role()).toBeNull();
  });

  it("between the mark and the run: the same press, delivered again, goes on", async () => {
    const { desk, admin, token, role } = await asked();
    desk.ephemeral.breaks("put", { times: 1, after: true });
    expect(codeOf(await press(admin, token))).toBe("unavailable");
    expect(await admin.repeats()).toMatchObject({ kind: "done", output: { after: "admin" } });
    expect(await role()).toBe("admin");
    expect(desk.people.calls("grant")).toBe(1);
  });

  it("a yes and a no at once: one of them is heard", async () => {
    const { admin, token, role } = await asked();
    const outcomes = await Promise.all([press(admin, token), admin.asks({ kind: "cancel", token })]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(["done", "failed"]);
    expect(await role()).toBe(outcomes[0]?.kind === "done" ? "admin" : null);
  });

  it("before the run leaves the button to be pressed again", async () => {
    const { desk, admin, role } = await asked();
    desk.runs.breaks("insert", { times: 1 });
    expect(codeOf(await admin.presses(YES))).toBe("unavailable");
    expect(await role()).toBeNull();
    expect(await admin.presses(YES)).toMatchObject({ kind: "done" });
    expect(await role()).toBe("admin");
  });

  it("before the question was stored asks nothing", async () => {
    const { desk, admin } = await asked();
    desk.ephemeral.breaks("put", { times: 1 });
    expect(codeOf(await admin.says(GRANT))).toBe("unavailable");
    expect(await admin.repeats()).toMatchObject({ kind: "confirm" });
  });
});
