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

/** Starts both on one port of the loopback address. */
export async function startStandIns(): Promise<StandIns> {
  let secret: string | undefined;
  let webhook = "";
  let calls = 0;
  let listener: (text: string) => void = () => undefined;
  let made = 0;

  const telegram = (method: string, { body }: Call): unknown => {
    if (method === "getMe") return BOT;
    if (method === "getWebhookInfo") return { url: webhook, has_custom_certificate: false, pending_update_count: 0 };
    if (method === "setWebhook") {
      secret = String(body["secret_token"]);
      webhook = String(body["url"]);
      return true;
    }
    if (method !== "sendMessage" && method !== "editMessageText") return true;
    listener(String(body["text"]));
    return {
      message_id: Number(body["message_id"] ?? ++made),
      chat: { id: body["chat_id"], type: "private" },
      date: 0,
      text: body["text"],
    };
  };
  const cloudflare = ({ method, body }: Call): unknown => {
    if (method !== "POST") return { result: [], result_info: { page: 1, per_page: 1_000, count: 0, total_count: 0, total_pages: 0 } };
    const id = (++made).toString(16).padStart(32, "0");
    return {
      result: {
        id,
        paused: false,
        created_on: "2026-11-27T00:00:00Z",
        modified_on: "2026-11-27T00:00:00Z",
        scope: { type: "zone" },
        ...body,
      },
    };
  };
  const answer = (call: Call): unknown => {
    calls += 1;
    const method = /^\/bot[^/]+\/(\w+)/.exec(call.path)?.[1];
    if (method) return { ok: true, result: telegram(method, call) };
    return { success: true, errors: [], messages: [], ...(cloudflare(call) as object) };
  };
  const server = createServer(
    (request, response) => void read(request).then((body) => reply(response, answer({ ...described(request), body }))),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: `${BOT.id}:BENCH`,
    secret: () => secret,
    onSaid(each) {
      listener = each;
    },
    calls: () => calls,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
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
