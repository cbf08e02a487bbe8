import { describe, expect, it } from "vitest";
import { codeOf, createTestDesk } from "../support/conversation.ts";
import { testCommand, testTexts, vault } from "../support/test-commands.ts";

const BLOCKED = /^203\.0\.113\.7 is blocked/;

describe("a command is understood", () => {
  it.each([
    ["by its slug", "/cf_block 203.0.113.7"],
    ["by its name, which has a space", "cf block 203.0.113.7"],
    ["by an alias", "/block 203.0.113.7"],
    ["by another alias, without a slash", "ban 203.0.113.7"],
    ["addressed to the bot", "/cf_block@switchboard_bot 203.0.113.7"],
    ["in capitals", "CF Block 203.0.113.7"],
    ["in full-width characters", "/block ２０３．０．１１３．７"],
    ["with a defanged address", "/block 203[.]0[.]113[.]7"],
    ["with a URL in place of an address", "/block hxxp://203.0.113.7/login"],
    ["with a link that the platform made", "/block <http://203.0.113.7|203.0.113.7>"],
    ["with the full stop of a phone", "Block 203.0.113.7."],
    ["with the mask of one address", "/block 203.0.113.7/32"],
    ["with non-breaking and zero-width spaces", "/block\u00a0203.0.113.7\u200b"],
  ])("%s", async (_, line) => {
    const desk = createTestDesk();
    const op = desk.person("telegram:1002", "operator");
    expect(await op.says(line)).toMatchObject({ kind: "queued" });
    op.hears(BLOCKED);
    expect(desk.edge.rules.map(({ network }) => network)).toEqual(["203.0.113.7"]);
  });

  it.each(['--reason "brute force"', "--reason “brute force”", "—reason «brute force»", "--reason=„brute force“"])(
    "with a flag as phones write it: %s",
    async (flag) => {
      const desk = createTestDesk();
      await desk.person("telegram:1002", "operator").says(`/block 203.0.113.7 ${flag}`);
      expect(desk.edge.rules[0]?.notes).toMatch(/^Switchboard [0-9a-z]{12} by telegram:1002: brute force$/);
    },
  );

  it("and answered in the person's language and zone", async () => {
    const desk = createTestDesk();
    const ru = desk.person("telegram:1002", "operator", { locale: "ru", zone: "Asia/Seoul" });
    const outcome = await ru.says("/block 203.0.113.7");
    ru.hears("203.0.113.7");
    expect(ru.heard.at(-1)).toMatch(/[а-я]/);
    if (outcome.kind !== "queued") throw new Error(outcome.kind);
    await ru.says(`/status ${outcome.run_id}`);
    ru.hears(/18:00 GMT\+9/);
  });

  it("and quick work is answered by one message, slow work by a second one in its place", async () => {
    const desk = createTestDesk();
    const op = desk.person("telegram:1002", "operator");
    await op.says("/block 203.0.113.7");
    expect(op.heard).toHaveLength(1);
    desk.workers.on = false;
    await op.says("/block 203.0.113.8");
    await desk.passes(300);
    op.hears(/^cf_block is running\nRun: [0-9a-z]{12}$/);
    desk.workers.on = true;
    await desk.works();
    op.hears(/^203\.0\.113\.8 is blocked/);
  });
});

describe("a line that cannot be read", () => {
  it.each([
    ["a flag nobody knows", "/block 203.0.113.7 --reson x", /There is no --reson here\. Did you mean --reason\?/],
    ["an open quotation", '/block 203.0.113.7 --reason "brute', /A quotation mark is not closed/],
    ["no address", "/block 203.0.113.999", /“203\.0\.113\.999” is not an IP address/],
    ["a control character", "/block \u0000", /a control character/],
    ["too long a line", `/block ${"x".repeat(20_000)}`, /too long/],
    ["too long a reason", `/block 203.0.113.7 --reason ${"x".repeat(201)}`, /reason is too long. Characters allowed: 200/],
  ])("%s is one sentence, and nothing is done", async (_, line, sentence) => {
    const desk = createTestDesk();
    const op = desk.person("telegram:1002", "operator");
    expect(codeOf(await op.says(line))).toBe("invalid_input");
    op.hears(sentence);
    expect(op.heard.at(-1)?.split("\n")).toHaveLength(1);
    expect(await desk.runs.list({ limit: 9 })).toEqual([]);
  });

  it.each(["/block 203.0.113.7 --reason brute force", "/block --reason brute force 203.0.113.7"])(
    "words that were to be one flag's are said to need quotes: %s",
    async (line) => {
      const op = createTestDesk().person("telegram:1002", "operator");
      expect(codeOf(await op.says(line))).toBe("invalid_input");
      op.hears(/^“force” is not an IP address.*\nIf several words belong to --reason, put them in quotes\.$/);
    },
  );

  it("all that is wrong is told at once", async () => {
    const op = createTestDesk().person("telegram:1002", "operator");
    await op.says(`/block 300.1.1.1 --reason ${"x".repeat(201)}`);
    op.hears(/“300\.1\.1\.1” is not an IP address.*\nreason is too long/);
  });
});

describe("who may not", () => {
  it("a viewer learns nothing else, whatever stands behind the command", async () => {
    const desk = createTestDesk();
    const viewer = desk.person("telegram:1003", "viewer");
    for (const line of ["/block 203.0.113.7", "/block", "/block nonsense --what", "/cf_release 127.0.0.1"]) {
      expect(codeOf(await viewer.says(line))).toBe("forbidden");
      viewer.hears(/^You may not run cf_(block|release)\.$/);
    }
    expect(codeOf(await viewer.calls("cf_block", { ip: 7 }))).toBe("forbidden");
    expect(desk.edge.rules).toEqual([]);
  });

  it("a stranger is told who they are and what an admin types, and an admin types it", async () => {
    const desk = createTestDesk();
    const admin = desk.person("telegram:1001", "admin");
    const stranger = desk.person("telegram:9", null);
    for (const line of ["hello", "/help", "/block 203.0.113.7", "/nonsense"]) {
      expect(codeOf(await stranger.says(line))).toBe("forbidden");
      stranger.hears("I don't know you yet. You are telegram:9; an admin lets you in with: /grant telegram:9 viewer");
    }
    await admin.says("/grant telegram:9 viewer");
    admin.hears("telegram:9 is now viewer");
    await stranger.says("/whoami");
    stranger.hears("You are telegram:9\nRole: viewer");
    await admin.says("/revoke telegram:9");
    expect(codeOf(await stranger.says("/whoami"))).toBe("forbidden");
    stranger.hears("an admin lets you in");
  });

  it("a key that only sends events runs nothing", async () => {
    const ingest = createTestDesk().person("key:shop", "ingest");
    expect(codeOf(await ingest.calls("help", {}))).toBe("forbidden");
  });
});

describe("a redelivered request", () => {
  it("is one run and one answer", async () => {
    const desk = createTestDesk();
    const op = desk.person("telegram:1002", "operator");
    const first = await op.says("/block 203.0.113.7");
    expect(await op.repeats()).toMatchObject({ kind: "queued", run_id: first.kind === "queued" && first.run_id });
    expect(await desk.runs.list({ limit: 9 })).toHaveLength(1);
    expect(op.heard).toHaveLength(1);
    expect(desk.edge.calls("block")).toBe(1);
  });

  it("of an inline write gives the stored output and does not do it again", async () => {
    const desk = createTestDesk();
    const admin = desk.person("telegram:1001", "admin");
    const first = await admin.says("/grant telegram:9 viewer");
    desk.knownPeople.set("telegram:9", "operator");
    expect(await admin.repeats()).toEqual(first);
    expect(desk.people.calls("grant")).toBe(1);
    expect((await desk.people.find("telegram:9"))?.role).toBe("operator");
  });

  it("of one that failed fails in the same way", async () => {
    const desk = createTestDesk();
    const admin = desk.person("telegram:1001", "admin");
    expect(codeOf(await admin.says("/grant telegram:1001 viewer"))).toBe("invalid_input");
    expect(codeOf(await admin.repeats())).toBe("invalid_input");
    admin.hears("You cannot change your own role. Ask another admin.");
    expect(await desk.runs.list({ limit: 9 })).toMatchObject([{ status: "failed", command: "grant" }]);
  });
});

describe("limits", () => {
  it("20 lines a minute; then one is told when to go on", async () => {
    const desk = createTestDesk();
    const viewer = desk.person("telegram:1003", "viewer");
    for (let line = 1; line <= 20; line++) expect(await viewer.says("/ping")).toMatchObject({ kind: "done" });
    await desk.passes(45_000);
    const outcome = await viewer.says("/ping");
    expect(codeOf(outcome)).toBe("rate_limited");
    expect(outcome).toMatchObject({ error: { retry_after_ms: 15_000 } });
    viewer.hears("That is more than 20 lines in a minute: this one, and what follows now, is not carried out. Go on in 15 s.");
    await desk.person("telegram:1002", "operator").says("/ping");
    await desk.passes(15_000);
    expect(await viewer.says("/ping")).toMatchObject({ kind: "done" });
  });

  it("a line that comes again, because its process died, counts once", async () => {
    const desk = createTestDesk();
    const viewer = desk.person("telegram:1003", "viewer");
    for (let line = 1; line < 20; line++) await viewer.says("/ping");
    expect(await viewer.says("/ping")).toMatchObject({ kind: "done" });
    for (let again = 1; again <= 20; again++) expect(await viewer.repeats()).toMatchObject({ kind: "done" });
    expect(codeOf(await viewer.says("/ping"))).toBe("rate_limited");
  });

  it("50 open runs; what is quick goes on", async () => {
    const desk = createTestDesk();
    desk.workers.on = false;
    const op = desk.person("telegram:1002", "operator");
    for (let run = 1; run <= 50; run++) expect(await op.calls("cf_block", { ip: `203.0.113.${run}` })).toMatchObject({ kind: "queued" });
    expect(codeOf(await op.says("/block 203.0.113.99"))).toBe("rate_limited");
    op.hears("You have 50 runs open. Wait for some to end.");
    expect(await op.says("/ping")).toMatchObject({ kind: "done" });
    desk.workers.on = true;
    await desk.works();
    expect(await op.says("/block 203.0.113.99")).toMatchObject({ kind: "queued" });
  });
});

describe("a secret", () => {
  it("is in no answer, no audit and no log", async () => {
    const desk = createTestDesk({ commands: [vault, testCommand()], texts: testTexts() });
    const op = desk.person("telegram:1002", "operator");
    await op.says("/vault_set kim hunter22");
    op.hears("kept for kim");
    await op.says("/vault_set root hunter22");
    op.hears(/password: \*\*\*/);
    await op.says("/vault_set kim hush");
    await op.says('/vault_set kim "hunter22');
    await op.says("/vault_set kim hunter22 hunter22");
    await op.calls("vault_set", { user: 7, password: "hunter22" });
    expect(JSON.stringify([op.heard, desk.audit, desk.log.lines])).not.toMatch(/hunter22|hush/);
    expect(desk.audit[0]).toMatchObject({ input: { user: "kim", password: "***" } });
  });
});
