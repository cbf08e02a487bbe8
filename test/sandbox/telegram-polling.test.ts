import { describe, expect, it } from "vitest";
import { ANN, BOB, http, until, useSandbox, type World } from "./fixture.ts";

const start = useSandbox();

type Updates = { readonly update_id: number; readonly message?: { readonly text: string } }[];

async function updates(world: World, params: unknown = {}): Promise<Updates> {
  return (await world.bot("getUpdates", params)).body["result"] as unknown as Updates;
}

describe("getUpdates", () => {
  it("gives updates until a higher offset confirms them", async () => {
    const world = await start();
    const ids = [await world.says("one"), await world.says("two"), await world.says("three")];
    expect((await updates(world)).map(({ update_id }) => update_id)).toEqual(ids);
    expect((await updates(world, { limit: 1 })).map(({ message }) => message?.text)).toEqual(["one"]);
    expect((await updates(world, { offset: ids[2] })).map(({ message }) => message?.text)).toEqual(["three"]);
    expect(await updates(world, { offset: Number(ids[2]) + 1 })).toEqual([]);
    expect(await updates(world)).toEqual([]);
  });

  it("keeps the last ones for a negative offset and forgets the rest", async () => {
    const world = await start();
    for (const text of ["one", "two", "three"]) await world.says(text);
    expect((await updates(world, { offset: -1 })).map(({ message }) => message?.text)).toEqual(["three"]);
    expect(await updates(world)).toHaveLength(1);
  });

  it("holds a poll open until somebody writes", async () => {
    const world = await start();
    const poll = updates(world, { timeout: 50 });
    const id = await world.says("/ping", BOB, -77);
    expect(await poll).toMatchObject([
      {
        update_id: id,
        message: {
          message_id: 1,
          text: "/ping",
          from: { id: 1002, is_bot: false, username: "bob" },
          chat: { id: -77, type: "group" },
          entities: [{ type: "bot_command", offset: 0, length: 5 }],
        },
      },
    ]);
  });

  it("ends an empty poll at its timeout", async () => {
    const world = await start();
    expect(await updates(world, { timeout: 1 })).toEqual([]);
  });

  it("ends the older of two polls with 409", async () => {
    const world = await start();
    const both = [world.bot("getUpdates", { timeout: 50 }), world.bot("getUpdates", { timeout: 50 })];
    const ended = await Promise.race(both);
    expect(ended).toMatchObject({
      status: 409,
      body: {
        ok: false,
        error_code: 409,
        description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
      },
    });
    await world.says("hello");
    const answers = await Promise.all(both);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it("keeps the updates of a client that hung up", async () => {
    const world = await start();
    const { api_root, token } = world.sandbox.telegram;
    const hangUp = new AbortController();
    const poll = fetch(`${api_root}/bot${token}/getUpdates?timeout=50`, { signal: hangUp.signal }).catch(() => "gone");
    hangUp.abort();
    expect(await poll).toBe("gone");
    await world.says("still there?");
    expect(await updates(world, { timeout: 50 })).toHaveLength(1);
  });

  it("is refused while a webhook is set, and setting one ends a poll", async () => {
    const world = await start();
    const poll = world.bot("getUpdates", { timeout: 50 });
    const webhook = { url: "http://127.0.0.1:9/hook", secret_token: "s3cret-_", allowed_updates: ["message"] };
    // The poll may arrive behind the webhook: both descriptions are a conflict.
    expect(await world.bot("setWebhook", webhook)).toMatchObject({ body: { ok: true, result: true, description: "Webhook was set" } });
    expect((await poll).status).toBe(409);
    const refused = await world.bot("getUpdates");
    expect(refused.body["description"]).toBe(
      "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    );
    await world.says("waiting");
    expect(await world.bot("getWebhookInfo")).toMatchObject({
      body: { result: { url: webhook.url, pending_update_count: 1, allowed_updates: ["message"] } },
    });
    expect((await world.bot("deleteWebhook", { drop_pending_updates: true })).body["description"]).toBe("Webhook was deleted");
    expect(await updates(world)).toEqual([]);
  });

  it("leaves out the kinds of update that were not asked for", async () => {
    const world = await start();
    await updates(world, { allowed_updates: ["callback_query"] });
    await world.says("unheard");
    expect(await updates(world)).toEqual([]);
    await updates(world, { allowed_updates: [] });
    await world.says("heard");
    expect((await updates(world)).map(({ message }) => message?.text)).toEqual(["heard"]);
  });

  it("delivers an update again when told to, confirmed or not", async () => {
    const world = await start();
    const first = await world.says("one");
    await updates(world, { offset: first + 1 });
    const second = await world.says("two");
    expect((await world.person("POST", "/telegram/redeliver", { update_id: first })).status).toBe(201);
    expect((await updates(world, { offset: first + 1 })).map(({ update_id }) => update_id)).toEqual([first, second]);
    expect((await updates(world, { offset: first + 1 })).map(({ update_id }) => update_id)).toEqual([second]);
    expect((await world.person("POST", "/telegram/redeliver", { update_id: 1 })).status).toBe(404);
  });
});

describe("parameters are taken as the real API takes them", () => {
  it.each([
    ["query", (url: string) => fetch(`${url}?chat_id=1001&text=a`)],
    ["form", (url: string) => fetch(url, { method: "POST", body: new URLSearchParams({ chat_id: "1001", text: "a" }) })],
    ["multipart", (url: string) => fetch(url, { method: "POST", body: multipart({ chat_id: "1001", text: "a" }) })],
    ["JSON", (url: string) => http("POST", url, { chat_id: "1001", text: "a", unknown_field: 1 })],
  ])("%s", async (_, send) => {
    const world = await start();
    await world.says("hi");
    const { api_root, token } = world.sandbox.telegram;
    expect((await send(`${api_root}/bot${token}/SendMessage`)).status).toBe(200);
    const { body } = await world.person("GET", `/telegram/messages?chat_id=${ANN.id}`);
    expect(body["messages"]).toMatchObject([{ message_id: 2, text: "a", edited: 0, buttons: [] }]);
  });

  it("keeps commands by scope and language", async () => {
    const { bot } = await start();
    const commands = [{ command: "cf_block", description: "Block" }];
    const scope = JSON.stringify({ type: "all_private_chats" });
    expect((await bot("setMyCommands", { commands, scope, language_code: "ko" })).status).toBe(200);
    expect((await bot("getMyCommands")).body["result"]).toEqual([]);
    expect((await bot("getMyCommands", { scope, language_code: "ko" })).body["result"]).toEqual(commands);
    await bot("deleteMyCommands", { scope, language_code: "ko" });
    expect((await bot("getMyCommands", { scope, language_code: "ko" })).body["result"]).toEqual([]);
    expect((await until(async () => bot("getMe"))).body).toMatchObject({ result: { id: 123456, is_bot: true } });
  });
});

function multipart(fields: Record<string, string>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}
