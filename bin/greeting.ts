import type { Config } from "../core/config.ts";
import type { App } from "./app/app.ts";

/** What is printed at the start: where it listens, what runs where, and what to try first. */
export function greeting(config: Config, app: App): string[] {
  const { url, storage, platforms } = app;
  const database = storage.embedded ? `embedded PostgreSQL in ${config.data_dir}` : "PostgreSQL at DATABASE_URL";
  const queue = config.redis ? "Redis at REDIS_URL" : "the same PostgreSQL";
  const telegram = config.telegram ? "on" : platforms.telegram ? "emulated" : "off";
  const cloudflare = { on: "on", sandbox: "emulated", off: "off" }[platforms.cloudflare];
  const lines = [`data: ${database}; queue: ${queue}`, `platforms: Telegram ${telegram}, Cloudflare ${cloudflare}`];
  if (!url) return [...lines, `roles: ${config.roles.join(", ")}`];
  if (!platforms.sandbox) return [`listening on ${url}`, ...lines];
  return [
    `listening on ${url}`,
    ...lines,
    `try: npx switchboard cf_block 203.0.113.7 --reason "brute force"`,
    `or as a person in Telegram: curl -s ${url}/sandbox/telegram/messages --json '{"chat_id":1002,"from":{"id":1002,"username":"op"},"text":"/help"}'; curl -s "${url}/sandbox/telegram/messages?chat_id=1002"`,
  ];
}
