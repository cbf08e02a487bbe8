import { describe, expect, it } from "vitest";
import { asked, GROUP, interpret, message, press, textOf } from "./updates.ts";

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
