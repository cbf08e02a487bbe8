import { describe, expect, it } from "vitest";
import { ANN, BOB, http, useSandbox, type World } from "./fixture.ts";

const start = useSandbox();

/** A world in which Ann wrote and the bot said "hello" with a button. */
async function conversation(): Promise<World> {
  const world = await start();
  await world.says("hi");
  await world.bot("sendMessage", { chat_id: ANN.id, text: "hello", reply_markup: button("x") });
  return world;
}

const button = (data: string) => ({ inline_keyboard: [[{ text: "Press", callback_data: data }]] });
const command = (name: string, description = "does it") => ({ commands: [{ command: name, description }] });
const BAD = "Bad Request: ";

describe("the Bot API refuses", () => {
  it("a wrong token with 401 and an unknown method with 404", async () => {
    const { sandbox, bot } = await start();
    expect(await http("POST", `${sandbox.url}/bot123456:WRONG/getMe`)).toMatchObject({
      status: 401,
      body: { ok: false, error_code: 401, description: "Unauthorized" },
    });
    expect(await bot("sendTelepathy")).toMatchObject({ status: 404, body: { ok: false, error_code: 404, description: "Not Found" } });
    expect(await http("GET", `${sandbox.url}/nothing`)).toMatchObject({ status: 404, body: { ok: false } });
  });

  it.each([
    ["sendMessage", { chat_id: 1001 }, "message text is empty"],
    ["sendMessage", { chat_id: 1001, text: " \n " }, "text must be non-empty"],
    ["sendMessage", { text: "a" }, "chat_id is empty"],
    ["sendMessage", { chat_id: 4242, text: "a" }, "chat not found"],
    ["sendMessage", { chat_id: "@channel", text: "a" }, "chat not found"],
    ["sendMessage", { chat_id: 1001, text: { a: 1 } }, 'field "text" must be of type String'],
    ["sendMessage", { chat_id: 1001, text: "a\ud800" }, "strings must be encoded in UTF-8"],
    ["sendMessage", { chat_id: 1001, text: "a".repeat(4_097) }, "message is too long"],
    ["sendMessage", { chat_id: 1001, text: "*a*", parse_mode: "MarkdownV2" }, "unsupported parse_mode"],
    ["sendMessage", { chat_id: 1001, text: "a", reply_markup: button("x".repeat(65)) }, "BUTTON_DATA_INVALID"],
    ["sendMessage", { chat_id: 1001, text: "a", reply_markup: button("й".repeat(33)) }, "BUTTON_DATA_INVALID"],
    [
      "sendMessage",
      { chat_id: 1001, text: "a", reply_markup: button("") },
      "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    ["sendMessage", { chat_id: 1001, text: "a", reply_markup: [] }, "object expected as reply markup"],
    ["sendMessage", { chat_id: 1001, text: "a", reply_markup: "{" }, "can't parse reply keyboard markup JSON object"],
    ["sendMessage", { chat_id: 1001, text: "a", reply_parameters: { message_id: 99 } }, "message to be replied not found"],
    ["editMessageText", { chat_id: 1001, message_id: 99, text: "a" }, "message to edit not found"],
    ["editMessageText", { chat_id: 1001, message_id: 1, text: "a" }, "message can't be edited"],
    ["editMessageText", { chat_id: 1001, text: "a" }, "message identifier is not specified"],
    ["editMessageText", { chat_id: 1001, message_id: "two", text: "a" }, 'field "message_id" must be of type Integer'],
    ["editMessageText", { chat_id: 1001, message_id: 2, text: "a".repeat(4_097) }, "MESSAGE_TOO_LONG"],
    ["deleteMessage", { chat_id: 1001, message_id: 99 }, "message to delete not found"],
    ["sendChatAction", { chat_id: 1001, action: "dancing" }, "wrong parameter action in request"],
    ["getChat", { chat_id: 4242 }, "chat not found"],
    ["answerCallbackQuery", { callback_query_id: "7" }, "query is too old and response timeout expired or query ID is invalid"],
    ["setMyCommands", {}, "expected an Array of BotCommand"],
    ["setMyCommands", command("Block"), "BOT_COMMAND_INVALID"],
    ["setMyCommands", command("cf-block"), "BOT_COMMAND_INVALID"],
    ["setMyCommands", command("a".repeat(33)), "command length must not exceed 32"],
    ["setMyCommands", command("a", ""), "command description must be non-empty"],
    ["setMyCommands", command("a", "b".repeat(257)), "command description length must not exceed 256"],
    [
      "setMyCommands",
      { commands: Array.from({ length: 101 }, (_, at) => ({ command: `c${at}`, description: "d" })) },
      "BOT_COMMANDS_TOO_MUCH",
    ],
    ["setMyCommands", { ...command("a"), language_code: "english" }, "LANG_CODE_INVALID"],
    ["setMyCommands", { ...command("a"), scope: { type: "moon" } }, "can't parse BotCommandScope: Unsupported type specified"],
    ["setWebhook", { url: "http://example.com/x" }, "bad webhook: An HTTPS URL must be provided for webhook"],
    ["setWebhook", { url: "https://example.com/x", secret_token: "no spaces" }, "secret token contains unallowed characters"],
  ])("%s %j", async (method, params, description) => {
    const { bot } = await conversation();
    expect(await bot(method, params)).toMatchObject({ status: 400, body: { ok: false, error_code: 400, description: BAD + description } });
  });

  it("an edit that changes nothing", async () => {
    const { bot } = await conversation();
    const same = { chat_id: ANN.id, message_id: 2, text: "hello", reply_markup: button("x") };
    const { status, body } = await bot("editMessageText", same);
    expect(status).toBe(400);
    expect(body["description"]).toBe(
      `${BAD}message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message`,
    );
    expect((await bot("editMessageText", { ...same, text: "hello again" })).status).toBe(200);
  });

  it("to write first, and to write to who blocked the bot", async () => {
    const { bot, says, person } = await conversation();
    await says("hello all", BOB, -77);
    const toBob = { chat_id: BOB.id, text: "psst" };
    expect(await bot("sendMessage", toBob)).toMatchObject({
      status: 403,
      body: { description: "Forbidden: bot can't initiate conversation with a user" },
    });
    await says("hi", BOB);
    expect((await bot("sendMessage", toBob)).status).toBe(200);
    await person("POST", "/telegram/blocks", { user_id: BOB.id, blocked: true });
    expect(await bot("sendMessage", toBob)).toMatchObject({ status: 403, body: { description: "Forbidden: bot was blocked by the user" } });
  });

  it("a group that became a supergroup, and says where it went", async () => {
    const { bot, says, person } = await conversation();
    await says("hello all", BOB, -77);
    await person("POST", "/telegram/migrate", { chat_id: -77 });
    const { status, body } = await bot("sendMessage", { chat_id: -77, text: "a" });
    expect(status).toBe(400);
    expect(body).toMatchObject({ parameters: { migrate_to_chat_id: -1_000_000_000_077 } });
    expect((await bot("sendMessage", { chat_id: -1_000_000_000_077, text: "a" })).status).toBe(200);
  });

  it("a second answer to one press, and another person's message in a group", async () => {
    const { bot, person, says } = await conversation();
    await person("POST", "/telegram/callbacks", { chat_id: ANN.id, message_id: 2, data: "x", from: ANN });
    const { body } = await person("GET", "/telegram/callbacks");
    const [{ callback_query_id }] = body["callbacks"] as unknown as [{ callback_query_id: string }];
    expect((await bot("answerCallbackQuery", { callback_query_id, text: "ok" })).status).toBe(200);
    expect((await bot("answerCallbackQuery", { callback_query_id })).status).toBe(400);
    await says("secret", BOB, -77);
    expect(await bot("deleteMessage", { chat_id: -77, message_id: 3 })).toMatchObject({
      status: 400,
      body: { description: `${BAD}message can't be deleted` },
    });
    expect((await bot("deleteMessage", { chat_id: ANN.id, message_id: 1 })).status).toBe(200);
  });

  it("a body that is not JSON", async () => {
    const { sandbox } = await start();
    const response = await fetch(`${sandbox.telegram.api_root}/bot${sandbox.telegram.token}/getMe`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{",
    });
    expect(await response.json()).toEqual({ ok: false, error_code: 400, description: "Bad Request: can't parse JSON object" });
  });
});
