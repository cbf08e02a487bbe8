import { describe, expect, it } from "vitest";
import { ANN, useSandbox, type World } from "./fixture.ts";

const start = useSandbox();
const FORUM = -1_000_000_000_077;

/** Sends a file as a client of the Bot API does. */
async function sendDocument({ sandbox }: World, fields: Record<string, string>, content: string | null = "a,b\n1,2\n") {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (content !== null) form.set("document", new File([content], "rows.csv", { type: "text/csv" }));
  const response = await fetch(`${sandbox.url}/bot${sandbox.telegram.token}/sendDocument`, { method: "POST", body: form });
  return { status: response.status, body: (await response.json()) as { result: Record<string, never>; description: string } };
}

describe("sendDocument", () => {
  it("shows the file with its caption; it can be sent again by its id and cannot become a text", async () => {
    const world = await start();
    await world.says("hi");
    const { body } = await sendDocument(world, { chat_id: String(ANN.id), caption: "<b>Rows</b>", parse_mode: "HTML" });
    expect(body.result).toMatchObject({
      message_id: 2,
      caption: "Rows",
      caption_entities: [{ type: "bold", offset: 0, length: 4 }],
      document: { file_name: "rows.csv", mime_type: "text/csv", file_size: 8, file_id: expect.any(String) },
    });
    expect(body.result).not.toHaveProperty("text");
    const { file_id } = body.result["document"] as unknown as { file_id: string };
    expect((await world.bot("sendDocument", { chat_id: ANN.id, document: file_id })).status).toBe(200);
    const { body: seen } = await world.person("GET", `/telegram/messages?chat_id=${ANN.id}`);
    expect(seen["messages"]).toMatchObject([{ text: "Rows", document: { file_name: "rows.csv", content: "a,b\n1,2\n" } }, { text: "" }]);
    const edit = await world.bot("editMessageText", { chat_id: ANN.id, message_id: 2, text: "x" });
    expect(edit.body).toMatchObject({ error_code: 400, description: "Bad Request: there is no text in the message to edit" });
  });

  it("is refused without a file, with an empty one, with a long caption, and past the budget", async () => {
    const world = await start({
      telegram_limits: {
        global: { limit: 9, window_ms: 1_000 },
        chat: { limit: 1, window_ms: 600_000 },
        group: { limit: 9, window_ms: 1 },
      },
    });
    await world.says("hi");
    const chat_id = String(ANN.id);
    expect((await sendDocument(world, { chat_id }, null)).body.description).toMatch(/no document/);
    expect((await sendDocument(world, { chat_id, document: "attach://nothing" }, null)).status).toBe(400);
    expect((await sendDocument(world, { chat_id }, "")).body.description).toMatch(/non-empty/);
    expect((await sendDocument(world, { chat_id, caption: "x".repeat(1_025) })).body.description).toMatch(/caption is too long/);
    expect((await sendDocument(world, { chat_id, caption: "x".repeat(1_024) })).status).toBe(200);
    expect((await sendDocument(world, { chat_id })).status).toBe(429);
  });
});

describe("a person's file", () => {
  const document = { file_name: "ips.txt", mime_type: "text/plain", content: "203.0.113.7\n" };

  it("comes with its caption, and can be fetched with the token alone", async () => {
    const world = await start();
    await world.person("POST", "/telegram/messages", { chat_id: ANN.id, from: ANN, text: "/block", document });
    const [update] = (await world.bot("getUpdates")).body["result"] as unknown as { message: { document: { file_id: string } } }[];
    expect(update?.message).toMatchObject({ caption: "/block", caption_entities: [{ type: "bot_command", offset: 0, length: 6 }] });
    const { body } = await world.bot("getFile", { file_id: update?.message.document.file_id });
    const { file_path } = body["result"] as unknown as { file_path: string };
    const { url, telegram } = world.sandbox;
    expect(await (await fetch(`${url}/file/bot${telegram.token}/${file_path}`)).text()).toBe("203.0.113.7\n");
    expect((await fetch(`${url}/file/bot1:wrong/${file_path}`)).status).toBe(404);
    expect((await fetch(`${url}/file/bot${telegram.token}/documents/nothing`)).status).toBe(404);
    expect((await world.bot("getFile", { file_id: "nothing" })).status).toBe(400);
  });

  it.each([
    [{ text: "x".repeat(1_025), document }, "text"],
    [{ document: { content: "x" } }, "document.file_name"],
    [{ text: "x", message_thread_id: 7 }, "message_thread_id"],
    [{ text: "x", anonymous: true }, "anonymous"],
  ])("is refused with the field: %j", async (body, field) => {
    const world = await start();
    const refused = await world.person("POST", "/telegram/messages", { chat_id: ANN.id, from: ANN, ...body });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: field }] } });
  });
});

describe("a forum", () => {
  it("has the topics that people wrote in", async () => {
    const world = await start();
    await world.person("POST", "/telegram/messages", { chat_id: FORUM, from: ANN, text: "/ping", message_thread_id: 42 });
    const [update] = (await world.bot("getUpdates")).body["result"] as unknown as { message: object }[];
    expect(update?.message).toMatchObject({ message_thread_id: 42, is_topic_message: true, chat: { is_forum: true } });
    expect((await world.bot("sendMessage", { chat_id: FORUM, message_thread_id: 42, text: "pong" })).status).toBe(200);
    const elsewhere = await world.bot("sendMessage", { chat_id: FORUM, message_thread_id: 43, text: "pong" });
    expect(elsewhere.body).toMatchObject({ description: "Bad Request: message thread not found" });
    const { body } = await world.person("GET", `/telegram/messages?chat_id=${FORUM}`);
    expect(body["messages"]).toMatchObject([{ text: "pong", message_thread_id: 42 }]);
  });
});

describe("the menu that a client shows", () => {
  it("is that of the narrowest scope, first in the person's language", async () => {
    const world = await start();
    await world.says("hi");
    const set = (command: string, more: object) => world.bot("setMyCommands", { commands: [{ command, description: "x" }], ...more });
    const shown = async (query: string) =>
      ((await world.person("GET", `/telegram/menu?${query}`)).body as unknown as { commands: { command: string }[] }).commands[0]?.command;
    expect(await shown("chat_id=1001&language_code=ko")).toBeUndefined();
    await set("everybody", {});
    await set("koreans", { language_code: "ko" });
    await set("private", { scope: { type: "all_private_chats" } });
    expect(await shown("chat_id=-5&language_code=ko-KR")).toBe("koreans");
    expect(await shown("chat_id=1001&language_code=ko")).toBe("private");
    await set("ann", { scope: { type: "chat", chat_id: 1001 } });
    expect([await shown("chat_id=1001&language_code=ko"), await shown("chat_id=1002")]).toEqual(["ann", "private"]);
    await world.bot("setMyCommands", { commands: [], scope: { type: "chat", chat_id: 1001 } });
    expect(await shown("chat_id=1001")).toBe("private");
  });
});
