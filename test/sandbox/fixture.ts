import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { createSandbox, type Sandbox, type SandboxOptions } from "../../sandbox/server.ts";

/** Ann is known to the bot as soon as she writes. */
export const ANN = { id: 1001, username: "ann", language_code: "en" };
/** Bob is another person. */
export const BOB = { id: 1002, username: "bob" };
/** No limits that a test would meet by chance. */
const WIDE = {
  global: { limit: 10_000, window_ms: 1_000 },
  chat: { limit: 10_000, window_ms: 1_000 },
  group: { limit: 10_000, window_ms: 60_000 },
};

interface Http {
  readonly status: number;
  readonly headers: Headers;
  // Tests look into it freely.
  readonly body: Record<string, never> & { readonly [name: string]: unknown };
}

/** Fetches JSON. */
export async function http(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Http> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const response = await fetch(url, { method, headers: { ...type, ...headers }, ...json });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

/** A running sandbox as a test uses it. */
export interface World {
  readonly sandbox: Sandbox;
  readonly data_dir: string;
  /** Calls the Bot API. */
  bot(method: string, params?: unknown): Promise<Http>;
  /** Calls Cloudflare's API below /client/v4. */
  cf(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Http>;
  /** Calls the person's side below /sandbox. */
  person(method: string, path: string, body?: unknown): Promise<Http>;
  /** Somebody writes to the bot, in private unless told where. */
  says(text: string, from?: { id: number; username?: string }, chatId?: number): Promise<number>;
}

/** The ways to talk to a sandbox at `url`. */
export function talkTo(url: string, token = "123456:SANDBOX", cfToken = "sandbox-cloudflare-token-0000000000000001") {
  const person: World["person"] = (method, path, body) => http(method, `${url}/sandbox${path}`, body);
  return {
    person,
    bot: (method: string, params: unknown = {}) => http("POST", `${url}/bot${token}/${method}`, params),
    cf: (method: string, path: string, body?: unknown, headers: Record<string, string> = { authorization: `Bearer ${cfToken}` }) =>
      http(method, `${url}/cloudflare/client/v4${path}`, body, headers),
    says: async (text: string, from: { id: number; username?: string } = ANN, chatId = from.id) => {
      const { body } = await person("POST", "/telegram/messages", { chat_id: chatId, from, text });
      return Number(body["update_id"]);
    },
  };
}

/** Starts sandboxes for the tests of a file and stops them after each. */
export function useSandbox(): (options?: Partial<SandboxOptions>) => Promise<World> {
  const endings: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });
  return async (options = {}) => {
    const data_dir = options.data_dir ?? (await mkdtemp(join(tmpdir(), "sandbox-")));
    if (!options.data_dir) endings.push(() => rm(data_dir, { recursive: true, force: true }));
    const sandbox = await createSandbox({ port: 0, telegram_limits: WIDE, ...options, data_dir });
    endings.push(sandbox.close);
    return { sandbox, data_dir, ...talkTo(sandbox.url, options.telegram_token, options.cloudflare_token) };
  };
}

/** Waits for a condition, at most ten seconds. */
export async function until<T>(look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error("the condition did not come true within ten seconds");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
