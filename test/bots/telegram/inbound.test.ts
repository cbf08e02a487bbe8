import { inspect } from "node:util";
import type { Update } from "grammy/types";
import { describe, expect, it } from "vitest";
import { createTelegramAdapter } from "../../../bots/telegram/adapter.ts";
import { interpretUpdate, toEvent } from "../../../bots/telegram/inbound.ts";
import { createTelegramApi } from "../../../bots/telegram/outbound.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { ANN, asked, DEPS, GROUP, interpret, message, PERSON, PRIVATE, people, press, textOf, update } from "./updates.ts";

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

describe("presses past the limit", () => {
  const LINE = { ...ANN, id: 1002 };
  /** What comes of presses when none is let through, and whose were counted. */
  async function refused(...presses: Update[]) {
    const counted: unknown[] = [];
    const mayPress = async (presser: object) => counted.push(presser) < 0;
    const found = [];
    for (const content of presses) found.push(await interpretUpdate(toEvent(123, content), { ...DEPS, mayPress }));
    return { counted, found };
  }

  it("come to nothing, whoever it is", async () => {
    const known = { request_id: expect.any(String), speaker: "p1", locale: "ru", zone: "Asia/Seoul" };
    const stranger = { request_id: expect.any(String), speaker: "telegram:1001", locale: "ko", zone: "UTC" };
    const { counted, found } = await refused(press("p:0abc:3", { from: LINE }), press("c:token"), press("x:token"));
    expect(found).toEqual([null, null, null]);
    expect(counted).toEqual([known, stranger, stranger]);
  });

  it("of a button that says a line are counted as lines alone, and those of none of our buttons not at all", async () => {
    const { counted, found } = await refused(press("s:/cf_list", { from: LINE }), press("-"));
    expect([counted, found]).toEqual([[], [expect.objectContaining({ ask: { kind: "text", text: "/cf_list" } }), null]]);
  });
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
    tooFast: async () => null,
  });
  expect(await adapter.interpret(toEvent(123, message({ text: "/ping" })))).not.toBeNull();
  const refused = await adapter.interpret(toEvent(123, message({ text: "/ping" }, GROUP))).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: "upstream_unavailable", retryable: true });
  expect(inspect(refused, { depth: 9, showHidden: true })).not.toMatch(/secret/);
});
