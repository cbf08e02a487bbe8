import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { ANN, BOB, until, useSandbox, type World } from "./fixture.ts";

const start = useSandbox();

interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly update: { readonly update_id: number; readonly message?: { readonly text: string } };
}

/** A bot's web server: keeps what it is told, and answers what it is told to, or nothing until it is let go on. */
async function startBot(answers: (number | string)[] = []) {
  const calls: Call[] = [];
  const held: (() => void)[] = [];
  const mode = { holds: false };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      calls.push({ headers: request.headers, update: JSON.parse(Buffer.concat(parts).toString()) });
      const answer = answers.shift() ?? 200;
      const end = () =>
        typeof answer === "number"
          ? response.writeHead(answer).end()
          : response.writeHead(200, { "content-type": "application/json" }).end(answer);
      if (mode.holds) held.push(end);
      else end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const letGo = () => {
    for (const end of held.splice(0)) end();
  };
  return { calls, mode, letGo, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

const info = async ({ bot }: World) => (await bot("getWebhookInfo")).body["result"] as unknown as Record<string, unknown>;
const settled = (world: World) => until(async () => (await info(world))["pending_update_count"] === 0);

describe("a webhook", () => {
  it("gets updates with the secret, those that waited too, and polling is refused", async () => {
    const world = await start();
    const first = await world.says("one");
    const { calls, url } = await startBot();
    await world.bot("setWebhook", { url, secret_token: "s3cret_-" });
    const second = await world.says("two");
    await settled(world);
    expect(calls.map(({ update }) => [update.update_id, update.message?.text])).toEqual([
      [first, "one"],
      [second, "two"],
    ]);
    expect(calls[0]?.headers).toMatchObject({ "x-telegram-bot-api-secret-token": "s3cret_-", "content-type": "application/json" });
    expect((await world.bot("getUpdates")).status).toBe(409);
  });

  it("that does not answer 2xx gets the same again, later, and getWebhookInfo says why", async () => {
    const world = await start();
    const { calls, url } = await startBot([500, 401]);
    await world.bot("setWebhook", { url });
    const id = await world.says("one");
    await until(async () => calls.length === 2);
    await until(async () => (await info(world))["last_error_message"] === "Wrong response from the webhook: 401 Unauthorized");
    expect(await info(world)).toMatchObject({ pending_update_count: 1, last_error_date: expect.any(Number) });
    await settled(world);
    expect(calls.map(({ update }) => update.update_id)).toEqual([id, id, id]);
    await world.bot("setWebhook", { url });
    expect(await info(world)).not.toHaveProperty("last_error_message");
  });

  it("gets so many at once as it wants and no more", async () => {
    const world = await start();
    const { calls, mode, letGo, url } = await startBot();
    mode.holds = true;
    await world.bot("setWebhook", { url, max_connections: 2 });
    for (const text of ["one", "two", "three"]) await world.says(text, BOB);
    await until(async () => calls.length === 2);
    expect(await info(world)).toMatchObject({ pending_update_count: 3, max_connections: 2 });
    letGo();
    await until(async () => calls.length === 3);
    letGo();
    await settled(world);
  });

  it("may answer with a call, which is carried out", async () => {
    const world = await start();
    const { url } = await startBot([JSON.stringify({ method: "sendMessage", chat_id: ANN.id, text: "pong" }), "{not json"]);
    await world.bot("setWebhook", { url });
    await world.says("ping");
    await world.says("ping");
    await settled(world);
    expect((await world.person("GET", `/telegram/messages?chat_id=${ANN.id}`)).body["messages"]).toMatchObject([{ text: "pong" }]);
  });

  it("gets again what is delivered again, and goes on after a restart of the sandbox", async () => {
    const world = await start();
    const { calls, url } = await startBot();
    await world.bot("setWebhook", { url });
    const update_id = await world.says("one");
    await settled(world);
    await world.person("POST", "/telegram/redeliver", { update_id });
    await until(async () => calls.length === 2);
    await world.bot("deleteWebhook");
    await world.says("two");
    await world.sandbox.close();
    const again = await start({ data_dir: world.data_dir });
    await again.bot("setWebhook", { url });
    await until(async () => calls.length === 3);
    expect(calls.map(({ update }) => update.message?.text)).toEqual(["one", "one", "two"]);
  });
});
