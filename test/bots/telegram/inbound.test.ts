import { inspect } from "node:util";
import type { Update } from "grammy/types";
import { describe, expect, it } from "vitest";
import { createTelegramAdapter } from "../../../bots/telegram/adapter.ts";
import { interpretUpdate, toEvent } from "../../../bots/telegram/inbound.ts";
import { createTelegramApi } from "../../../bots/telegram/outbound.ts";
import type { Person, Request } from "../../../core/request.ts";
import { createMemoryLog } from "../../support/memory-log.ts";

const ANN = { id: 1001, is_bot: false, first_name: "Ann", language_code: "ko-KR" };
const PRIVATE = { id: 1001, type: "private", first_name: "Ann" };
const GROUP = { id: -5, type: "group", title: "Ops" };
const PERSON: Person = { person_id: "p1", name: "Ann", role: "viewer", locale: "ru", zone: "Asia/Seoul" };
const KNOWN: Readonly<Record<string, Person>> = { "telegram:1002": PERSON, "telegram:1004": { ...PERSON, role: null } };
const people = { find: async (identity: string) => KNOWN[identity] ?? null };

const update = (content: object): Update => ({ update_id: 7, ...content }) as Update;
const message = (more: object, chat: object = PRIVATE) => update({ message: { message_id: 3, date: 1, from: ANN, chat, ...more } });
const press = (data: string | undefined, more: object = {}) =>
  update({ callback_query: { id: "9", from: ANN, chat_instance: "1", message: { message_id: 4, date: 0, chat: GROUP }, data, ...more } });

const read = async () => "203.0.113.7\n203.0.113.8";
const DEPS = { people, me: { id: 123, username: "Desk_Bot" }, read, locale: "en", zone: "UTC" } as const;
const interpret = (content: Update) => interpretUpdate(toEvent(123, content), DEPS);
/** What is asked, where something is asked. */
const asked = async (content: Update): Promise<Request | null> => {
  const found = await interpret(content);
  if (found && found.kind !== undefined) throw new Error(`expected a request, got ${found.kind}`);
  return found;
};
const textOf = async (content: Update) => {
  const request = await asked(content);
  return request?.ask.kind === "text" ? request.ask.text : request;
};

describe("an update", () => {
  it("is the same event however often it comes, in the lane of its chat", () => {
    expect(toEvent(123, message({ text: "hi" }))).toMatchObject({
      request_id: "telegram-123-7",
      platform: "telegram",
      payload: { lane: "1001" },
    });
    expect(toEvent(123, press("c:t")).payload).toMatchObject({ lane: "-5" });
    expect(toEvent(123, update({ inline_query: {} })).payload).toMatchObject({ lane: "7" });
  });

  it("survives being stored", async () => {
    const event = toEvent(123, message({ text: "/ping" }));
    const stored = JSON.parse(JSON.stringify(event));
    expect(await interpretUpdate(stored, DEPS)).toEqual(await interpretUpdate(event, DEPS));
  });
});

describe("a message in private", () => {
  it("asks with all of its text", async () => {
    expect(await asked(message({ text: "block 203.0.113.7" }))).toEqual({
      request_id: "telegram-123-7",
      identity: "telegram:1001",
      person: null,
      reply_to: { platform: "telegram", address: "1001" },
      conversation: "telegram:1001",
      locale: "ko",
      zone: "UTC",
      ask: { kind: "text", text: "block 203.0.113.7" },
    });
  });

  it("of a person we know is answered in their language and zone", async () => {
    const request = await asked(message({ text: "hi", from: { ...ANN, id: 1002 } }));
    expect(request).toMatchObject({ identity: "telegram:1002", person: PERSON, locale: "ru", zone: "Asia/Seoul" });
  });

  it("may be a caption; what has no words is a line without words", async () => {
    expect(await textOf(message({ photo: [], caption: "/ping" }))).toBe("/ping");
    expect(await textOf(message({ sticker: { emoji: "👍" } }))).toBe("");
  });
});

describe("a message in a group", () => {
  it.each([
    ["/ping", "/ping"],
    ["/ping@desk_bot now", "/ping@desk_bot now"],
    ["/ping@DESK_BOT", "/ping@DESK_BOT"],
    ["@Desk_Bot block 203.0.113.7", "block 203.0.113.7"],
    ["@desk_bot\nping", "ping"],
    ["@desk_bot", ""],
    ["@desk_bot, block 203.0.113.7", "block 203.0.113.7"],
    ["@desk_bot: ping", "ping"],
    ["@desk_bot,ping", "ping"],
    ["@desk_bot — ping", "— ping"],
    ["@desk_bot!", ""],
    ["@desk_bot. ping", "ping"],
    ["@desk_bot，차단 203.0.113.7", "차단 203.0.113.7"],
    ["/cancel@desk_bot", "/cancel@desk_bot"],
    ["@desk_bot /ping", "/ping"],
    ["block 203.0.113.7 @desk_bot", "block 203.0.113.7"],
    ["Block 203.0.113.7, @Desk_Bot!", "Block 203.0.113.7"],
    ["/block 203.0.113.7 @desk_bot", "/block 203.0.113.7"],
    ["차단 203.0.113.7 @desk_bot", "차단 203.0.113.7"],
    ["  @desk_bot ping", "ping"],
  ])("for us: %j", async (typed, asked) => {
    expect(await textOf(message({ text: typed }, GROUP))).toBe(asked);
  });

  it.each([
    "hello all",
    "/ping@other_bot",
    "/ping@other_bot @desk_bot",
    "@desk_bot /ping@other_bot",
    "@other_bot ping",
    "@desk_bot_2 ping",
    "@desk_bot.example.com",
    "ask @desk_bot today",
    "mail@desk_bot",
    "",
  ])("that is none of ours: %j", async (typed) => {
    expect(await asked(message({ text: typed }, GROUP))).toBeNull();
  });

  const repliesTo = (id: number) => ({
    reply_to_message: { message_id: 2, date: 0, chat: GROUP, from: { id, is_bot: true, first_name: "x" } },
  });

  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["@desk_bot cancel", "cancel"],
    ["/ping@desk_bot", "/ping@desk_bot"],
  ])("that replies to ours is for us: %j", async (typed, asked) => {
    expect(await textOf(message({ text: typed, ...repliesTo(123) }, GROUP))).toBe(asked);
  });

  it("that replies to another's, or has no words, or is another bot's command is none of ours", async () => {
    expect(await asked(message({ text: "203.0.113.7", ...repliesTo(124) }, GROUP))).toBeNull();
    expect(await asked(message({ text: "203.0.113.7", reply_to_message: { message_id: 2, date: 0, chat: GROUP } }, GROUP))).toBeNull();
    expect(await asked(message({ sticker: {}, ...repliesTo(123) }, GROUP))).toBeNull();
    expect(await asked(message({ text: "/ping@other_bot", ...repliesTo(123) }, GROUP))).toBeNull();
  });

  it("is answered in the group", async () => {
    expect(await asked(message({ text: "/ping" }, GROUP))).toMatchObject({
      identity: "telegram:1001",
      reply_to: { platform: "telegram", address: "-5" },
      conversation: "telegram:-5",
    });
  });

  it("may be a caption that mentions us; a sticker is for nobody", async () => {
    expect(await textOf(message({ photo: [], caption: "@desk_bot ping" }, GROUP))).toBe("ping");
    expect(await asked(message({ sticker: {} }, GROUP))).toBeNull();
  });
});

describe("the press of a button", () => {
  it.each([
    ["c:token", { kind: "confirm", token: "token" }],
    ["x:token", { kind: "cancel", token: "token" }],
  ])("that decides is answered in the question's place: %s", async (data, ask) => {
    const request = await asked(press(data));
    expect(request).toMatchObject({ identity: "telegram:1001", ask, reply_to: { address: "-5", message_id: "4" } });
  });

  it("that says a line is answered below", async () => {
    const request = await asked(press("s:/cf_list"));
    expect(request?.ask).toEqual({ kind: "text", text: "/cf_list" });
    expect(request?.reply_to).toEqual({ platform: "telegram", address: "-5" });
  });

  it.each([["c:"], ["?:token"], ["token"], [""], [undefined]])("that is none of ours asks for nothing: %j", async (data) => {
    expect(await asked(press(data))).toBeNull();
  });

  it("under a message of another chat, sent inline, asks for nothing", async () => {
    expect(await asked(press("c:token", { message: undefined, inline_message_id: "i" }))).toBeNull();
  });
});

describe("a link to us that stands for our name", () => {
  const link = (offset: number, length: number, id = 123) => ({
    type: "text_mention",
    offset,
    length,
    user: { id, is_bot: true, first_name: "Desk" },
  });
  it.each([
    ["😀 Desk block 203.0.113.7", link(3, 4), null],
    ["Desk, block 203.0.113.7", link(0, 4), "block 203.0.113.7"],
    ["block 203.0.113.7 😀 Desk", link(21, 4), "block 203.0.113.7 😀"],
    ["Desk, block 203.0.113.7", link(0, 4, 124), null],
  ])("%s", async (text, entity, line) => {
    const found = await asked(message({ text, entities: [entity] }, GROUP));
    expect(found && found.ask.kind === "text" ? found.ask.text : found).toBe(line);
  });
});

describe("a topic of a forum", () => {
  const forum = { id: -1009, type: "supergroup", title: "Ops", is_forum: true };
  it("is where it is answered, and where its dialogue goes on", async () => {
    const topic = { message_thread_id: 42, is_topic_message: true };
    expect(await asked(message({ text: "/ping", ...topic }, forum))).toMatchObject({
      reply_to: { address: "-1009:42" },
      conversation: "telegram:-1009:42",
    });
    const pressed = await asked(press("c:t", { message: { message_id: 4, date: 0, chat: forum, ...topic } }));
    expect(pressed?.reply_to).toEqual({ platform: "telegram", address: "-1009:42", message_id: "4" });
  });

  it("is none where replies have a thread", async () => {
    expect((await asked(message({ text: "/ping", message_thread_id: 42 }, forum)))?.reply_to?.address).toBe("-1009");
  });
});

describe("somebody who writes in the name of a group", () => {
  const anonymous = { from: { id: 1087968824, is_bot: true, first_name: "Group", username: "GroupAnonymousBot" }, sender_chat: GROUP };
  it("is told to write as themselves, and nobody can be granted what they would have", async () => {
    expect(await asked(message({ text: "/ping", ...anonymous }, GROUP))).toMatchObject({
      identity: "telegram:-5",
      person: null,
      ask: { kind: "refused", reason: { key: "telegram.anonymous" } },
    });
  });

  it("is not heard when they talk to others", async () => {
    expect(await asked(message({ text: "hello", ...anonymous }, GROUP))).toBeNull();
  });
});

describe("a group that became a supergroup", () => {
  const moved = { kind: "moved", platform: "telegram", from: "-5", to: "-1005" };
  it("is told by the group that was, and by the one that is", async () => {
    expect(await interpret(message({ migrate_to_chat_id: -1005 }, GROUP))).toEqual(moved);
    expect(await interpret(message({ migrate_from_chat_id: -5 }, { id: -1005, type: "supergroup" }))).toEqual(moved);
  });
});

describe("a button that turns pages", () => {
  it("turns them for somebody with a role; others learn nothing", async () => {
    expect(await interpret(press("p:0abc:3", { from: { ...ANN, id: 1002 } }))).toEqual({
      kind: "page",
      delivery_id: "0abc",
      page: 3,
      platform: "telegram",
      address: "-5",
    });
    expect(await interpret(press("p:0abc:3"))).toBeNull();
    expect(await interpret(press("p:0abc:3", { from: { ...ANN, id: 1004 } }))).toBeNull();
  });

  it.each(["p:", "p:0abc", "p:0abc:0", "p:0abc:-1", "p:0abc:1x", "p:0a c:1", "-"])(
    "that is none of ours asks for nothing: %s",
    async (data) => {
      expect(await interpret(press(data, { from: { ...ANN, id: 1002 } }))).toBeNull();
    },
  );
});

describe("a file that comes with a line", () => {
  const document = { file_id: "f", file_unique_id: "u", file_name: "ips.txt" };
  it("is read for somebody with a role, and only for them", async () => {
    const known = { from: { ...ANN, id: 1002 }, document };
    expect((await asked(message({ caption: "/block", ...known })))?.ask).toEqual({
      kind: "text",
      text: "/block",
      attachment: "203.0.113.7\n203.0.113.8",
    });
    expect((await asked(message({ caption: "/block", document })))?.ask).toEqual({ kind: "text", text: "/block" });
    expect((await asked(message({ caption: "block @desk_bot", ...known }, GROUP)))?.ask).toMatchObject({
      text: "block",
      attachment: expect.stringContaining("203"),
    });
    expect(await asked(message({ caption: "look at this", ...known }, GROUP))).toBeNull();
  });

  it("that cannot be read is told so", async () => {
    const reason = { key: "telegram.file_type" };
    const refusing = { ...DEPS, read: async () => ({ refused: reason }) };
    const event = toEvent(123, message({ caption: "/block", document, from: { ...ANN, id: 1002 } }));
    expect(await interpretUpdate(event, refusing)).toMatchObject({ ask: { kind: "refused", reason } });
  });
});

describe("what asks for nothing", () => {
  const said = { message_id: 3, date: 1, from: ANN, chat: PRIVATE, text: "/ping" };
  it.each<[string, Update]>([
    ["an edited message", update({ edited_message: said })],
    ["a channel's post", update({ channel_post: said })],
    ["another bot's message", message({ from: { ...ANN, is_bot: true }, text: "/ping" })],
    ["a message of nobody", message({ from: undefined, text: "/ping" })],
    [
      "what a channel posted, where its group talks about it",
      message({ is_automatic_forward: true, sender_chat: { id: -1007, type: "channel" }, text: "/ping" }, GROUP),
    ],
    ["the bot's new place in a group", update({ my_chat_member: { chat: GROUP, from: ANN } })],
    ["an update of a kind we do not know", update({ poll: {} })],
  ])("%s", async (_name, content) => {
    expect(await asked(content)).toBeNull();
  });
});

it("a message in a group cannot be read while nobody can say who we are; the token is in no error", async () => {
  const token = "123456:AAH-secret-half";
  const adapter = createTelegramAdapter({
    api: createTelegramApi({ token, api_root: "http://127.0.0.1:1" }),
    ...{ token, people, locale: "en", zone: "UTC", menu: [], webhook: null, log: createMemoryLog() },
    intake: { receive: async () => undefined },
    leases: { lease: async () => null },
  });
  expect(await adapter.interpret(toEvent(123, message({ text: "/ping" })))).not.toBeNull();
  const refused = await adapter.interpret(toEvent(123, message({ text: "/ping" }, GROUP))).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: "upstream_unavailable", retryable: true });
  expect(inspect(refused, { depth: 9, showHidden: true })).not.toMatch(/secret/);
});
