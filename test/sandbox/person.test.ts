import { request } from "node:http";
import Fastify from "fastify";
import { describe, expect, it } from "vitest";
import { sandboxRoutes } from "../../sandbox/routes.ts";
import { ANN, BOB, useSandbox } from "./fixture.ts";

const start = useSandbox();

/** The status of a GET with headers that fetch would not let a test set. */
function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

describe("the person's side", () => {
  it("lists the emulators and how to reach them", async () => {
    const { sandbox, person } = await start();
    const { body } = await person("GET", "");
    expect(body["emulators"]).toMatchObject([
      { name: "telegram", base_url: sandbox.telegram.api_root, environment: { TELEGRAM_BOT_TOKEN: "123456:SANDBOX" } },
      { name: "cloudflare", base_url: sandbox.cloudflare.base_url },
    ]);
  });

  it("sees what the bot said as it stands now, and presses its buttons", async () => {
    const { bot, says, person } = await start();
    await says("hi");
    const reply_markup = { inline_keyboard: [[{ text: "Yes", callback_data: "y:1" }]] };
    await bot("sendMessage", { chat_id: ANN.id, text: "<b>Sure?</b>", parse_mode: "HTML", reply_markup });
    const press = { chat_id: ANN.id, message_id: 2, data: "y:1", from: ANN };
    expect(await person("POST", "/telegram/callbacks", press)).toMatchObject({ status: 201 });
    await bot("editMessageText", { chat_id: ANN.id, message_id: 2, text: "Done & dusted" });
    const { body } = await person("GET", `/telegram/messages?chat_id=${ANN.id}`);
    expect(body["messages"]).toMatchObject([{ message_id: 2, text: "Done & dusted", edited: 1, buttons: [] }]);
    expect(await person("POST", "/telegram/callbacks", press)).toMatchObject({ status: 422, body: { errors: [{ path: "data" }] } });
    const updates = (await bot("getUpdates")).body["result"];
    const callback_query = { data: "y:1", from: { id: 1001 }, message: { message_id: 2, text: "Sure?", reply_markup } };
    expect(updates).toMatchObject([{ message: {} }, { callback_query }]);
  });

  it.each([
    ["/telegram/messages", { chat_id: 5, from: ANN, text: "a" }, "chat_id"],
    ["/telegram/messages", { chat_id: 0, from: ANN, text: "a" }, "chat_id"],
    ["/telegram/messages", { chat_id: 1001, from: { ...ANN, id: -1 }, text: "a" }, "from.id"],
    ["/telegram/messages", { chat_id: 1001, from: ANN, text: "" }, "text"],
    ["/telegram/messages", { chat_id: 1001, from: ANN }, "text"],
    ["/telegram/callbacks", { chat_id: 1001, message_id: 9, data: "x", from: ANN }, "message_id"],
    ["/telegram/redeliver", {}, "update_id"],
    ["/telegram/blocks", { user_id: 9, blocked: true }, "user_id"],
    ["/telegram/migrate", { chat_id: -9 }, "chat_id"],
  ])("refuses %s %j with the field", async (path, body, field) => {
    const { person } = await start();
    const refused = await person("POST", path, body);
    expect(refused).toMatchObject({ status: 422, body: { status: 422, code: "invalid_input", errors: [{ path: field }] } });
    expect(refused.headers.get("content-type")).toContain("application/problem+json");
  });

  it("pages through the calls", async () => {
    const { bot, person } = await start();
    for (let at = 0; at < 5; at += 1) await bot("getMe");
    const first = (await person("GET", "/calls?emulator=telegram&limit=3")).body;
    expect(first["calls"]).toHaveLength(3);
    const second = (await person("GET", `/calls?emulator=telegram&limit=3&cursor=${first["next_cursor"]}`)).body;
    expect([(second["calls"] as unknown as unknown[]).length, second["next_cursor"]]).toEqual([2, null]);
  });

  it("marks a private chat, a group and a supergroup", async () => {
    const { bot, says } = await start();
    await says("a", ANN);
    await says("a", BOB, -5);
    await says("a", BOB, -1_000_000_000_005);
    const types = await Promise.all(
      [1001, -5, -1_000_000_000_005].map(async (chat_id) => (await bot("getChat", { chat_id })).body["result"]),
    );
    expect(types).toMatchObject([{ type: "private", username: "ann" }, { type: "group" }, { type: "supergroup" }]);
  });

  it("is closed to other hosts and other pages", async () => {
    const { sandbox } = await start();
    const url = `${sandbox.url}/sandbox`;
    const { port } = new URL(url);
    expect(await statusOf(url, { host: `localhost:${port}` })).toBe(200);
    expect(await statusOf(url, { host: `[::1]:${port}`, origin: `http://[::1]:${port}` })).toBe(200);
    expect(await statusOf(url, { host: "evil.example" })).toBe(403);
    expect(await statusOf(url, { host: "localhost.evil.example" })).toBe(403);
    for (const origin of ["https://evil.example", "null", "http://localhost:1"]) {
      expect(await statusOf(url, { host: `localhost:${port}`, origin })).toBe(403);
    }
    expect(await statusOf(url, { host: `localhost:${port}`, "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await statusOf(`${sandbox.telegram.api_root}/bot${sandbox.telegram.token}/getMe`, { host: "evil.example" })).toBe(403);
  });

  it("can be mounted on another server of the same process", async () => {
    const { sandbox, bot } = await start();
    const app = Fastify();
    await app.register(sandboxRoutes(sandbox.state), { prefix: "/sandbox" });
    const payload = { chat_id: ANN.id, from: ANN, text: "from elsewhere" };
    const headers = { host: "localhost" };
    expect((await app.inject({ method: "POST", url: "/sandbox/telegram/messages", payload, headers })).statusCode).toBe(201);
    expect((await app.inject({ url: "/sandbox", headers: { host: "evil.example" } })).statusCode).toBe(403);
    expect((await bot("getUpdates")).body["result"]).toMatchObject([{ message: { text: "from elsewhere" } }]);
    await app.close();
  });
});
