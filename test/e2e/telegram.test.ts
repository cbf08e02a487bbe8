import { describe, expect, it } from "vitest";
import { until } from "../../proof/process.ts";
import { expectSentence, send } from "../support/rest.ts";
import { TRACES, useWorld } from "../support/shared-world.ts";

/** One operator a language, because twenty lines a minute is all that a person may say. */
const OPERATORS = { en: 1002, ko: 2002, ru: 3002 } as const;
const world = useWorld({ ADMINS: "telegram:1001", OPERATORS: "telegram:1002,telegram:2002,telegram:3002", VIEWERS: "telegram:1003" });

/** The bot's answer is a sign of its tone and the sentence. */
const sentenceOf = (answer: string) => answer.replace(/^\S+ /u, "");

type Words = Readonly<Record<keyof typeof OPERATORS, RegExp>>;
const LINES: readonly (readonly [name: string, line: string, says: Words])[] = [
  [
    "no address",
    "/block 999.1.1.1",
    { en: /“999.1.1.1” is not an IP address or range. Give one/, ko: /입력해 주세요/, ru: /999\.1\.1\.1/ },
  ],
  ["a private address", "/block 10.0.0.1", { en: /10.0.0.1 is a private address/, ko: /사설 주소/, ru: /частный адрес/ }],
  ["an emoji", "😀", { en: /I don't know “😀”/, ko: /😀/, ru: /😀/ }],
  ["4,096 characters", `x${"😀".repeat(2_047)}x`, { en: /I don't know “x😀+…”/u, ko: /x😀+…/u, ru: /x😀+…/u }],
  ["a NUL", "/block 203.0.113.7\u0000", { en: /control character, or half of a character. Type it again/, ko: /다시/, ru: /заново/ }],
  ["a quotation that is not closed", '/block 203.0.113.7 --reason "x', { en: /not closed. Add/, ko: /따옴표/, ru: /Кавычка/ }],
  ["an unknown flag", "/block 203.0.113.7 --raeson x", { en: /Did you mean --reason\?/, ko: /--reason/, ru: /--reason/ }],
];

describe("a wrong line is answered with one sentence and changes nothing", () => {
  const cases = LINES.flatMap(([name, line, says]) =>
    (["en", "ko", "ru"] as const).map((language) => ({ name, line, language, says: says[language] })),
  );

  it.each(cases)("$name, $language", async ({ line, language, says }) => {
    let answer = "";
    const changed = await world.changes(async () => {
      answer = sentenceOf(await world.say(OPERATORS[language], line, language));
    });
    expectSentence(answer, language);
    expect(answer).toMatch(says);
    expect(changed).toEqual(TRACES);
  });

  it.each(["en", "ko", "ru"] as const)("no argument is asked for, and a wrong answer leaves the question open, %s", async (language) => {
    const changed = await world.changes(async () => {
      const question = sentenceOf(await world.say(OPERATORS[language], "/block", language)).split("\n");
      expect(question).toHaveLength(2);
      for (const line of question) expectSentence(line, language);
      expectSentence(sentenceOf(await world.say(OPERATORS[language], "nowhere", language)), language);
      const cancel = { en: "cancel", ko: "취소", ru: "отмена" }[language];
      expectSentence(sentenceOf(await world.say(OPERATORS[language], cancel, language)), language);
    });
    expect(changed).toEqual(TRACES);
  });
});

describe("who may not is told so, and what to do", () => {
  it.each(["en", "ko", "ru"] as const)("a stranger, %s", async (language) => {
    const stranger = { en: 71, ko: 72, ru: 73 }[language];
    let answer = "";
    const changed = await world.changes(async () => {
      answer = sentenceOf(await world.say(stranger, "/block 203.0.113.7", language));
    });
    expectSentence(answer, language);
    expect(answer).toContain(`/grant telegram:${stranger} viewer`);
    expect(changed).toEqual(TRACES);
  });

  it.each(["en", "ko", "ru"] as const)("a viewer, before an argument is looked at, %s", async (language) => {
    for (const line of ["/block 203.0.113.7", "/block 999.1.1.1", "/block", "/grant telegram:7 admin"]) {
      const changed = await world.changes(async () => {
        expectSentence(sentenceOf(await world.say(1003, line, language)), language);
      });
      expect(changed).toEqual(TRACES);
    }
  });
});

describe("a confirmation", () => {
  /** The admin asks for something dangerous. @returns the message with the question, and what its buttons send */
  async function question(who: string) {
    await world.say(1001, `/grant ${who} admin`);
    const asked = (await world.platforms().messages(1001)).at(-1);
    const data = asked?.buttons?.flat().map(({ callback_data }) => callback_data ?? "") ?? [];
    const starting = (letters: string) => data.find((each) => each.startsWith(letters)) ?? "";
    return { message_id: asked?.message_id ?? 0, yes: starting("c:"), no: starting("x:") };
  }

  /** Presses two buttons before the first press is answered, as a nervous person would; then the bot has said two things more. */
  async function pressTwice(message_id: number, data: readonly [string, string]): Promise<string[]> {
    const { platforms } = world;
    const before = (await platforms().messages(1001)).length;
    await platforms().fault({ target: "telegram", method: "editMessageText", delay_ms: 500, times: 1 });
    for (const each of data) await platforms().press(1001, message_id, each);
    await until("both presses are answered", async () => {
      const said = await platforms().messages(1001);
      return said.length > before && said.find((each) => each.message_id === message_id)?.text.includes("Really run") === false;
    });
    await world.settled();
    const said = await platforms().messages(1001);
    return [said.find((each) => each.message_id === message_id), said.at(-1)].map((each) => sentenceOf(each?.text ?? ""));
  }

  it("counts once", async () => {
    const { message_id, yes } = await question("telegram:900");
    let answers: string[] = [];
    const changed = await world.changes(async () => {
      answers = await pressTwice(message_id, [yes, yes]);
    });
    expect(answers[0]).toMatch(/telegram:900 is now admin/);
    expect(answers[1]).toMatch(/^That question is not open any more. Ask again from the start.$/);
    expect(changed.sort()).toEqual([...TRACES, "grants", "identities", "people", "runs"].sort());
  });

  it("that was refused stays refused", async () => {
    const { message_id, yes, no } = await question("telegram:901");
    let answers: string[] = [];
    const changed = await world.changes(async () => {
      answers = await pressTwice(message_id, [no, yes]);
    });
    expect(answers[0]).toMatch(/Nothing was changed/);
    expect(answers[1]).toMatch(/not open any more/);
    expect(changed).toEqual(TRACES);
  });

  it("belongs to who was asked: another member of the group presses in vain, and the question stays", async () => {
    const GROUP = -500;
    const person = (id: number) => ({ id, username: `p${id}`, language_code: "en" });
    const sandbox = (path: string, body: object) => send(`${world.platforms().program.url}/sandbox/telegram/${path}`, { body });
    const inGroup = () => world.platforms().messages(GROUP);
    expect(await sandbox("messages", { chat_id: GROUP, from: person(1001), text: "/grant telegram:902 admin" })).toMatchObject({
      status: 201,
    });
    const asked = await until("the question", async () => (await inGroup())[0]);
    const data = asked.buttons?.flat()[0]?.callback_data ?? "";
    const changed = await world.changes(async () => {
      expect(await sandbox("callbacks", { chat_id: GROUP, message_id: asked.message_id, data, from: person(1002) })).toMatchObject({
        status: 201,
      });
      expect((await until("an answer", async () => (await inGroup())[1])).text).toMatch(/not open any more/);
      await world.settled();
    });
    expect(changed).toEqual(TRACES);
    expect((await inGroup())[0]).toEqual(asked);
  });
});

describe("too much", () => {
  it("of one person is told how long to wait, and others go on", async () => {
    const changed = await world.changes(async () => {
      for (let line = 1; line <= 20; line++) await world.say(81, "hello");
      expect(sentenceOf(await world.say(81, "hello"))).toMatch(
        /^That is more than 20 lines in a minute: this one, and what follows now, is not carried out. Go on in \d+ s\.$/,
      );
      expect(await world.say(82, "hello")).toMatch(/I don't know you yet/);
    });
    expect(changed).toEqual(TRACES);
  });
});

describe("when Telegram and Cloudflare are gone", () => {
  it("the log says so, and holds no token (the world looks for secrets at its end)", async () => {
    await world.platforms().program.kill();
    const { url, output } = world.program();
    const { status } = await send(`${url}/api/v1/commands/cf_search`, { key: world.key("viewer"), body: { ip: "203.0.113.7" } });
    expect(status).toBe(202);
    await until("the log names both", async () => /Telegram cannot be reached/.test(output()) && /a run is tried again/.test(output()));
    expect((await send(`${url}/readyz`, { key: world.key("viewer") })).json).toMatchObject({
      status: "degraded",
      degraded: ["telegram", "cloudflare"],
    });
  });
});
