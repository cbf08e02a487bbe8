import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { redactToken } from "../../../bots/telegram/errors.ts";
import { createTelegramApi, createTelegramChannel } from "../../../bots/telegram/outbound.ts";
import { OpsError } from "../../../core/errors.ts";
import type { Channel, Logger } from "../../../core/ports.ts";
import type { PlainReply } from "../../../core/reply.ts";
import { NO_CHARTS } from "../../support/charts.ts";

const TOKEN = "123456:AAH-secret-half";
const LIMITS = { global: { limit: 30, window_ms: 1000 }, chat: { limit: 1, window_ms: 1000 }, group: { limit: 20, window_ms: 60_000 } };
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const REPLY: PlainReply = { tone: "ok", title: "a < b", buttons: [{ label: "Yes", action: { kind: "confirm", token: "t" } }] };

interface Call {
  readonly method: string;
  readonly payload: Record<string, unknown>;
}
/** What the next call is answered, or "cut" for a connection that breaks. */
type Answer = "cut" | "not json" | { readonly error_code: number; readonly description: string; readonly parameters?: object };

/** Telegram's side: takes every call with the right token, and refuses the ones it is told to. */
function createFake() {
  const calls: Call[] = [];
  let answers: Answer[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request);
    const [, bot, method = ""] = (request.url ?? "").split("/");
    const payload = JSON.parse(body || "{}") as Call["payload"];
    calls.push({ method, payload });
    if (bot !== `bot${TOKEN}`) return write(response, 401, { ok: false, error_code: 401, description: "Unauthorized" });
    const next = answers.shift();
    if (next === "cut") return void request.socket.destroy();
    if (next) return refuse(response, next);
    const message = { message_id: payload["message_id"] ?? 70 + calls.length, chat: { id: payload["chat_id"] } };
    return write(response, 200, { ok: true, result: message });
  };
  const server = createServer((request, response) => void answer(request, response));
  return {
    calls,
    script: (...next: Answer[]) => {
      answers = next;
    },
    start: () => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)),
    root: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function write(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, answer: Exclude<Answer, "cut">): void {
  if (answer === "not json") response.writeHead(502).end("<html>Bad Gateway</html>");
  else write(response, answer.error_code, { ok: false, ...answer });
}

let telegram: ReturnType<typeof createFake>;
let channel: Channel;
const channelWith = (token: string, api_root = telegram.root()) =>
  createTelegramChannel({ api: createTelegramApi({ token, api_root }), limits: LIMITS, charts: NO_CHARTS, log: SILENT });
const bad = (description: string, parameters?: object): Answer => ({
  error_code: 400,
  description: `Bad Request: ${description}`,
  ...(parameters && { parameters }),
});
const send = (message_id: string | null = null, address = "1001") =>
  channel.send({ delivery_id: "d-1", page: 1, address, message_id, reply: REPLY });
const methods = () => telegram.calls.map(({ method }) => method);

async function refusalOf(work: Promise<unknown>): Promise<OpsError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OpsError)) throw new Error(`expected an OpsError, got ${String(error)}`);
  expect(error.cause).toBeUndefined();
  expect(JSON.stringify([error.message, error.text, error.stack])).not.toMatch(/secret/);
  return error;
}

beforeEach(async () => {
  telegram = createFake();
  await telegram.start();
  channel = channelWith(TOKEN);
});
afterEach(async () => {
  await telegram.stop();
});

describe("sending", () => {
  it("a new message: HTML, buttons, no preview of links", async () => {
    expect(await send()).toEqual({ message_id: "71" });
    expect(telegram.calls).toEqual([
      {
        method: "sendMessage",
        payload: {
          chat_id: 1001,
          text: "✅ <b>a &lt; b</b>",
          parse_mode: "HTML",
          link_preview_options: { is_disabled: true },
          reply_markup: { inline_keyboard: [[{ text: "Yes", callback_data: "c:t" }]] },
        },
      },
    ]);
  });

  it("an edit of one that stands, also when nothing changes", async () => {
    expect(await send("7")).toEqual({ message_id: "7" });
    telegram.script(bad("message is not modified: specified new message content is exactly the same"));
    expect(await send("7")).toEqual({ message_id: "7" });
    expect(methods()).toEqual(["editMessageText", "editMessageText"]);
  });

  it.each(["message to edit not found", "message can't be edited"])("a new one where none can be edited: %s", async (description) => {
    telegram.script(bad(description));
    expect(await send("7")).toEqual({ message_id: "72" });
    expect(methods()).toEqual(["editMessageText", "sendMessage"]);
  });

  it("to a group that became a supergroup, as a new message there, and says where it is now", async () => {
    telegram.script(bad("group chat was upgraded to a supergroup chat", { migrate_to_chat_id: -1009 }));
    expect(await send("7", "-5")).toEqual({ message_id: "72", moved_to: "-1009" });
    expect(await send(null, "-1009")).toEqual({ message_id: "73" });
    expect(telegram.calls.map(({ method, payload }) => [method, payload["chat_id"]])).toEqual([
      ["editMessageText", -5],
      ["sendMessage", -1009],
      ["sendMessage", -1009],
    ]);
  });

  it("into the topic that was asked in; where that is gone, into the group", async () => {
    await send(null, "-1009:42");
    telegram.script(bad("message thread not found"));
    await send(null, "-1009:43");
    await send("7", "-1009:42");
    expect(telegram.calls.map(({ payload }) => [payload["chat_id"], payload["message_thread_id"]])).toEqual([
      [-1009, 42],
      [-1009, 43],
      [-1009, undefined],
      [-1009, undefined],
    ]);
  });

  it("follows a group once, not in circles", async () => {
    const migrate = bad("group chat was upgraded to a supergroup chat", { migrate_to_chat_id: -5 });
    telegram.script(migrate, migrate, migrate);
    expect(await refusalOf(send(null, "-5"))).toMatchObject({ code: "upstream_refused" });
    expect(telegram.calls).toHaveLength(2);
  });
});

describe("a refusal", () => {
  it("to go so fast is told with the time to wait, and not repeated", async () => {
    telegram.script({ error_code: 429, description: "Too Many Requests: retry after 7", parameters: { retry_after: 7 } });
    expect(await refusalOf(send())).toMatchObject({ code: "rate_limited", retry_after_ms: 7000 });
    expect(telegram.calls).toHaveLength(1);
  });

  it.each([
    [{ error_code: 403, description: "Forbidden: bot was blocked by the user" }, "upstream_refused", "telegram.refused"],
    [{ error_code: 400, description: "Bad Request: chat not found" }, "upstream_refused", "telegram.refused"],
    [{ error_code: 500, description: "Internal Server Error" }, "upstream_unavailable", "errors.upstream_unavailable"],
    ["cut", "upstream_unavailable", "errors.upstream_unavailable"],
    ["not json", "upstream_unavailable", "errors.upstream_unavailable"],
  ] as const)("is told for what it is: %j", async (answer, code, key) => {
    telegram.script(answer);
    expect(await refusalOf(send())).toMatchObject({ code, text: { key } });
  });

  it("of the token can be mended, so the message is kept", async () => {
    channel = channelWith("123456:another-secret");
    expect(await refusalOf(send())).toMatchObject({ code: "unavailable", retryable: true, text: { key: "telegram.token_refused" } });
  });

  it("never shows the token, though the network's error quotes the URL", async () => {
    channel = channelWith(TOKEN, "http://127.0.0.1:1");
    const error = await refusalOf(send());
    expect(error).toMatchObject({ code: "upstream_unavailable", message: expect.stringContaining("ECONNREFUSED") });
    expect(error.message).toContain("/bot[token]/sendMessage");
    expect(redactToken(`x ${encodeURIComponent(TOKEN)} y AAH-secret-half z`, TOKEN)).toBe("x [token] y [token] z");
  });
});

describe("pacing", () => {
  it("counts against the bot, the chat, and for groups the group", () => {
    const keysOf = (address: string) => channel.budgets(address).map(({ key, limit }) => `${key} ${limit}`);
    expect(keysOf("1001")).toEqual(["telegram:123456 30", "telegram:123456:chat:1001 1"]);
    expect(keysOf("-5:42")).toEqual(keysOf("-5"));
    expect(keysOf("-5")).toEqual(["telegram:123456 30", "telegram:123456:chat:-5 1", "telegram:123456:group:-5 20"]);
  });
});
