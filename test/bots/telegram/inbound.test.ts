import { inspect } from "node:util";
import type { Update } from "grammy/types";
import { describe, expect, it } from "vitest";
import { createTelegramAdapter } from "../../../bots/telegram/adapter.ts";
import { toEvent, toRequest } from "../../../bots/telegram/inbound.ts";
import { createTelegramApi } from "../../../bots/telegram/outbound.ts";
import type { Person } from "../../../core/request.ts";
import { createMemoryLog } from "../../support/memory-log.ts";

const ANN = { id: 1001, is_bot: false, first_name: "Ann", language_code: "ko-KR" };
const PRIVATE = { id: 1001, type: "private", first_name: "Ann" };
const GROUP = { id: -5, type: "group", title: "Ops" };
const PERSON: Person = { person_id: "p1", name: "Ann", role: "viewer", locale: "ru", zone: "Asia/Seoul" };
const people = { find: async (identity: string) => (identity === "telegram:1002" ? PERSON : null) };

const update = (content: object): Update => ({ update_id: 7, ...content }) as Update;
const message = (more: object, chat: object = PRIVATE) => update({ message: { message_id: 3, date: 1, from: ANN, chat, ...more } });
const press = (data: string | undefined, more: object = {}) =>
  update({ callback_query: { id: "9", from: ANN, chat_instance: "1", message: { message_id: 4, date: 0, chat: GROUP }, data, ...more } });

const DEPS = { people, bot_id: 123, username: () => "Desk_Bot", locale: "en", zone: "UTC" } as const;
const read = (content: Update) => toRequest(toEvent(123, content), DEPS);
const textOf = async (content: Update) => {
  const request = await read(content);
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
    expect(await toRequest(stored, DEPS)).toEqual(await toRequest(event, DEPS));
  });
});

describe("a message in private", () => {
  it("asks with all of its text", async () => {
    expect(await read(message({ text: "block 203.0.113.7" }))).toEqual({
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
    const request = await read(message({ text: "hi", from: { ...ANN, id: 1002 } }));
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
  ])("for us: %j", async (typed, asked) => {
    expect(await textOf(message({ text: typed }, GROUP))).toBe(asked);
  });

  it.each(["hello all", "/ping@other_bot", "@other_bot ping", "@desk_bot_2 ping", "@desk_bot.example.com", "ask @desk_bot", ""])(
    "that is none of ours: %j",
    async (typed) => {
      expect(await read(message({ text: typed }, GROUP))).toBeNull();
    },
  );

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
    expect(await read(message({ text: "203.0.113.7", ...repliesTo(124) }, GROUP))).toBeNull();
    expect(await read(message({ text: "203.0.113.7", reply_to_message: { message_id: 2, date: 0, chat: GROUP } }, GROUP))).toBeNull();
    expect(await read(message({ sticker: {}, ...repliesTo(123) }, GROUP))).toBeNull();
    expect(await read(message({ text: "/ping@other_bot", ...repliesTo(123) }, GROUP))).toBeNull();
  });

  it("is answered in the group", async () => {
    expect(await read(message({ text: "/ping" }, GROUP))).toMatchObject({
      identity: "telegram:1001",
      reply_to: { platform: "telegram", address: "-5" },
      conversation: "telegram:-5",
    });
  });

  it("may be a caption that mentions us; a sticker is for nobody", async () => {
    expect(await textOf(message({ photo: [], caption: "@desk_bot ping" }, GROUP))).toBe("ping");
    expect(await read(message({ sticker: {} }, GROUP))).toBeNull();
  });
});

describe("the press of a button", () => {
  it.each([
    ["c:token", { kind: "confirm", token: "token" }],
    ["x:token", { kind: "cancel", token: "token" }],
  ])("that decides is answered in the question's place: %s", async (data, ask) => {
    const request = await read(press(data));
    expect(request).toMatchObject({ identity: "telegram:1001", ask, reply_to: { address: "-5", message_id: "4" } });
  });

  it("that says a line is answered below", async () => {
    const request = await read(press("s:/cf_list"));
    expect(request?.ask).toEqual({ kind: "text", text: "/cf_list" });
    expect(request?.reply_to).toEqual({ platform: "telegram", address: "-5" });
  });

  it.each([["c:"], ["?:token"], ["token"], [""], [undefined]])("that is none of ours asks for nothing: %j", async (data) => {
    expect(await read(press(data))).toBeNull();
  });

  it("under a message of another chat, sent inline, asks for nothing", async () => {
    expect(await read(press("c:token", { message: undefined, inline_message_id: "i" }))).toBeNull();
  });
});

describe("what asks for nothing", () => {
  const said = { message_id: 3, date: 1, from: ANN, chat: PRIVATE, text: "/ping" };
  it.each<[string, Update]>([
    ["an edited message", update({ edited_message: said })],
    ["a channel's post", update({ channel_post: said })],
    ["another bot's message", message({ from: { ...ANN, is_bot: true }, text: "/ping" })],
    ["a message of nobody", message({ from: undefined, text: "/ping" })],
    ["a group's move", message({ migrate_to_chat_id: -1005 }, GROUP)],
    ["an update of a kind we do not know", update({ poll: {} })],
  ])("%s", async (_name, content) => {
    expect(await read(content)).toBeNull();
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
