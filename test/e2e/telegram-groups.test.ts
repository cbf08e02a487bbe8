import { describe, expect, it } from "vitest";
import { until } from "../../proof/process.ts";
import { send } from "../support/rest.ts";
import { TRACES, useWorld } from "../support/shared-world.ts";

const world = useWorld({ OPERATORS: "telegram:1002", VIEWERS: "telegram:1003" });
const FORUM = -1_000_000_000_077;
const OPERATOR = { id: 1002, username: "op", language_code: "en" };
const STRANGER = { id: 71, username: "x", language_code: "en" };

interface Said {
  readonly text: string;
  readonly message_thread_id?: number;
}

/** Somebody writes; the bot's next answer in that chat. */
async function hears(body: { readonly chat_id: number } & Readonly<Record<string, unknown>>): Promise<Said> {
  const messages = () => world.platforms().messages(body.chat_id) as Promise<readonly Said[]>;
  const before = (await messages()).length;
  expect(await send(`${world.platforms().program.url}/sandbox/telegram/messages`, { body })).toMatchObject({ status: 201 });
  return until("an answer", async () => (await messages())[before]);
}

describe("in a forum", () => {
  it("the answer stands in the topic that was asked in", async () => {
    const inTopic = { chat_id: FORUM, from: OPERATOR, message_thread_id: 42 };
    expect(await hears({ ...inTopic, text: "whoami @switchboard_sandbox_bot" })).toMatchObject({ message_thread_id: 42 });
    expect(await hears({ ...inTopic, text: "/block" })).toMatchObject({ message_thread_id: 42, text: expect.stringMatching(/Which/) });
  });

  it("who hides behind the group is told to write as themselves, and nothing happens", async () => {
    const changed = await world.changes(async () => {
      const { text } = await hears({ chat_id: -501, from: OPERATOR, anonymous: true, text: "/block 203.0.113.9" });
      expect(text).toMatch(/write as yourself/);
      await world.settled();
    });
    expect(changed).toEqual(TRACES);
  });
});

describe("a file with addresses", () => {
  const file = (content: string, more: object = {}) => ({ file_name: "ips.txt", mime_type: "text/plain", content, ...more });
  const ask = (text: string, document: object, from = OPERATOR) => hears({ chat_id: from.id, from, text, document });

  it("is blocked like a line with them", async () => {
    await ask("/block --reason scan", file("# two\n203.0.113.20\n203.0.113.21\n"));
    await until("both are blocked", async () => {
      const blocked = (await world.platforms().rules()).map(({ configuration }) => configuration.value);
      return blocked.includes("203.0.113.20") && blocked.includes("203.0.113.21");
    });
  });

  it.each([
    ["a wrong line", "/block", file("203.0.113.7\nnonsense\n"), /Line 2 of the file: “nonsense” is not an IP address/],
    ["too many", "/block", file(Array.from({ length: 101 }, (_, at) => `198.51.100.${at}`).join("\n")), /101 items/],
    ["a command without a list", "/ping", file("203.0.113.7"), /takes no list/],
    ["another type", "/block", file("x", { file_name: "a.pdf", mime_type: "application/pdf" }), /text files only/],
  ])("that is refused changes nothing: %s", async (_, text, document, sentence) => {
    const changed = await world.changes(async () => {
      expect((await ask(text, document)).text).toMatch(sentence);
      await world.settled();
    });
    expect(TRACES).toEqual(expect.arrayContaining(changed));
  });

  it("of a stranger is not even fetched", async () => {
    const fetched = async () => (await world.platforms().calls("telegram", "getFile")).length;
    const before = await fetched();
    expect((await ask("/block", file("203.0.113.7"), STRANGER)).text).toMatch(/I don't know you yet/);
    expect(await fetched()).toBe(before);
  });
});
