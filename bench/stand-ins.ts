import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A call that a stand-in got. */
interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Telegram and Cloudflare as far as one command needs them, answering at once and keeping nothing: what is measured is to be ours. The emulators of
 * sandbox/ write each call to disk before they answer.
 */
export interface StandIns {
  readonly url: string;
  readonly token: string;
  /** The secret that was given with `setWebhook`. */
  secret(): string | undefined;
  /** Calls the listener with the text of every message that the bot says. */
  onSaid(listener: (text: string) => void): void;
  calls(): number;
  close(): void;
}

const BOT = { id: 123456, is_bot: true, first_name: "Bench", username: "bench_bot" };

/** What the stand-ins remember. */
interface State {
  secret: string | undefined;
  webhook: string;
  calls: number;
  made: number;
  said: (text: string) => void;
}

/** Starts both on one port of the loopback address. */
export async function startStandIns(): Promise<StandIns> {
  const state: State = { secret: undefined, webhook: "", calls: 0, made: 0, said: () => undefined };
  const server = createServer(
    (request, response) => void read(request).then((body) => reply(response, answer(state, { ...described(request), body }))),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: `${BOT.id}:BENCH`,
    secret: () => state.secret,
    onSaid(listener) {
      state.said = listener;
    },
    calls: () => state.calls,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function answer(state: State, call: Call): unknown {
  state.calls += 1;
  const method = /^\/bot[^/]+\/(\w+)/.exec(call.path)?.[1];
  if (method) return { ok: true, result: telegram(state, method, call) };
  return { success: true, errors: [], messages: [], ...cloudflare(state, call) };
}

function telegram(state: State, method: string, { body }: Call): unknown {
  if (method === "getMe") return BOT;
  if (method === "getWebhookInfo") return { url: state.webhook, has_custom_certificate: false, pending_update_count: 0 };
  if (method === "setWebhook") {
    state.secret = String(body["secret_token"]);
    state.webhook = String(body["url"]);
    return true;
  }
  if (method !== "sendMessage" && method !== "editMessageText") return true;
  state.said(String(body["text"]));
  return {
    message_id: Number(body["message_id"] ?? ++state.made),
    chat: { id: body["chat_id"], type: "private" },
    date: 0,
    text: body["text"],
  };
}

function cloudflare(state: State, { method, body }: Call): object {
  if (method !== "POST") return { result: [], result_info: { page: 1, per_page: 1_000, count: 0, total_count: 0, total_pages: 0 } };
  const id = (++state.made).toString(16).padStart(32, "0");
  const at = "2026-11-27T00:00:00Z";
  return { result: { id, paused: false, created_on: at, modified_on: at, scope: { type: "zone" }, ...body } };
}

function described({ method = "GET", url = "/" }: IncomingMessage) {
  return { method, path: url };
}

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

function reply(response: ServerResponse, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { "content-type": "application/json", "content-length": bytes.length }).end(bytes);
}
