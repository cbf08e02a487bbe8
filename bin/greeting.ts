import type { Config } from "../core/config.ts";
import { isLoopback } from "../core/config-fields.ts";
import type { App } from "./app/app.ts";

/** Where the CLI looks when nobody tells it otherwise (contract, "CLI"). */
const DEFAULT_URL = "http://127.0.0.1:8080";

/** What is printed at the start: where it listens, what runs where, and what to try first. */
export function greeting(config: Config, app: App): string[] {
  const { url, storage, platforms } = app;
  const database = storage.embedded ? `embedded PostgreSQL in ${config.data_dir}` : "PostgreSQL at DATABASE_URL";
  const queue = config.redis ? "Redis at REDIS_URL" : "the same PostgreSQL";
  const telegram = config.telegram ? "on" : platforms.telegram ? "emulated" : "off";
  const cloudflare = { on: "on", sandbox: "emulated", off: "off" }[platforms.cloudflare];
  const lines = [
    `data: ${database}; queue: ${queue}`,
    `platforms: Telegram ${telegram}, Cloudflare ${cloudflare}${platforms.sandbox ? "; nothing reaches the world" : ""}`,
  ];
  if (!url) return [...lines, `roles: ${config.roles.join(", ")}`];
  if (!platforms.sandbox) return [`listening on ${url}`, ...lines];
  // There a key is needed, and nobody can play a person of a platform.
  if (!isLoopback(config.host)) return [`listening on ${url}`, ...lines, "REST wants ADMIN_API_KEY, or a key of `switchboard keys create`"];
  const elsewhere = url === DEFAULT_URL ? "" : `SWITCHBOARD_URL=${url} `;
  return [
    `listening on ${url}`,
    ...lines,
    `try in a second terminal: ${elsewhere}npx switchboard cf_block 203.0.113.7 --reason "brute force"`,
    `or write to the bot: curl -s ${url}/sandbox/telegram/messages -H 'content-type: application/json' -d '{"chat_id":1002,"from":{"id":1002,"username":"op"},"text":"/help"}'`,
  ];
}
