import { apiUrl, ConfigError, type Env, flag, integer, isLoopback, list, optional, toRate } from "./config-fields.ts";
import type { EdgeScope } from "./edge.ts";

/** Every provider's token, with the variable of its API's address and what that is when unset (contract, "Starting"). */
const PROVIDERS = [
  { token: "TELEGRAM_BOT_TOKEN", url: "TELEGRAM_API_ROOT", fallback: "https://api.telegram.org" },
  { token: "WEBEX_BOT_TOKEN", url: "WEBEX_API_URL", fallback: "https://webexapis.com/v1" },
  { token: "SLACK_BOT_TOKEN", url: "SLACK_API_URL", fallback: "https://slack.com/api/" },
  { token: "CLOUDFLARE_API_TOKEN", url: "CLOUDFLARE_BASE_URL", fallback: "https://api.cloudflare.com/client/v4" },
  { token: "WHATSAPP_TOKEN", url: "WHATSAPP_API_URL", fallback: "https://graph.facebook.com/v23.0" },
  { token: "VIBER_TOKEN", url: "VIBER_API_URL", fallback: "https://chatapi.viber.com/pa" },
] as const;

const apiUrlOf = (env: Env, token: (typeof PROVIDERS)[number]["token"]): string => {
  const provider = PROVIDERS.find((each) => each.token === token) ?? PROVIDERS[0];
  return apiUrl(env, provider.url, provider.fallback);
};

/** The emulators: where they listen, and which zones or account Cloudflare's has; without any, one zone of its own. */
export interface SandboxConfig {
  readonly port: number;
  readonly zones: readonly string[];
  readonly account: string | null;
}

/**
 * Whether the emulators run, and where. On by default when no token of any provider and no `SMTP_URL` is set.
 * @throws ConfigError when a real token would meet the sandbox
 */
export function parseSandbox(env: Env): SandboxConfig | null {
  const real = [...PROVIDERS.map(({ token }) => token), "SMTP_URL"].some((name) => optional(env, name) !== null);
  const on = flag(env, "SANDBOX", !real);
  const port = integer(env, "SANDBOX_PORT", { min: 0, max: 65_535, fallback: 0 });
  if (!on) return null;
  for (const { token, url } of PROVIDERS) {
    if (optional(env, token) === null || isLoopback(apiUrlOf(env, token))) continue;
    throw new ConfigError(token, `must not be set with SANDBOX=1 unless ${url} is a loopback URL`);
  }
  return { port, zones: parseZones(env), account: parseAccount(env) };
}

/** Telegram's token and API; null when there is no token. */
export function parseTelegram(env: Env): { readonly token: string; readonly api_root: string } | null {
  const token = optional(env, "TELEGRAM_BOT_TOKEN");
  const api_root = apiUrlOf(env, "TELEGRAM_BOT_TOKEN");
  if (token === null) return null;
  if (/^\d+:[\w-]+$/.test(token)) return { token, api_root };
  throw new ConfigError("TELEGRAM_BOT_TOKEN", "must be a bot token as BotFather gives it: digits, a colon, letters and digits");
}

/**
 * Where the platforms reach this server, without a slash at its end; null: nowhere, so that they are asked.
 * Their webhooks want HTTPS; plain HTTP is for the emulators on this machine.
 */
export function parsePublicUrl(env: Env): string | null {
  const value = optional(env, "PUBLIC_URL");
  if (value === null) return null;
  const url = /^https?:\/\/./i.test(value) && URL.canParse(value) ? new URL(value) : null;
  const isBare = url?.search === "" && url.hash === "" && url.username === "" && url.password === "" && !/[?#]/.test(value);
  if (url && isBare && (url.protocol === "https:" || isLoopback(value))) return url.href.replace(/\/+$/, "");
  throw new ConfigError("PUBLIC_URL", "must be an https URL without a query or a user name; http only for this machine");
}

/** What Telegram shows with each update; null: derived from `SECRET_KEY`. */
export function parseTelegramWebhookSecret(env: Env): string | null {
  const secret = optional(env, "TELEGRAM_WEBHOOK_SECRET");
  // The alphabet and the length are Telegram's: https://core.telegram.org/bots/api#setwebhook; shorter ones could be guessed.
  if (secret === null || /^[\w-]{16,256}$/.test(secret)) return secret;
  throw new ConfigError("TELEGRAM_WEBHOOK_SECRET", 'must be 16 to 256 of A-Z, a-z, 0-9, "_" and "-"');
}

/** The pacing Telegram asks for (contract: 30 a second in all, 1 a second a chat, 20 a minute a group). */
const TELEGRAM_LIMITS = {
  global: { limit: 30, window_ms: 1_000 },
  chat: { limit: 1, window_ms: 1_000 },
  group: { limit: 20, window_ms: 60_000 },
};

/** Telegram's pacing; a part that is not named keeps its default. */
export function parseTelegramLimits(env: Env): typeof TELEGRAM_LIMITS {
  const limits = { ...TELEGRAM_LIMITS };
  const seen = new Set<string>();
  for (const item of list(env, "TELEGRAM_LIMITS")) {
    const [, words = "", scope = "global"] = /^(.+?)(?:\/(chat|group))?$/.exec(item) ?? [];
    const rate = toRate(words);
    if (!rate || seen.has(scope)) throw new ConfigError("TELEGRAM_LIMITS", "must be rates like 30/s,1/s/chat,20/min/group");
    seen.add(scope);
    limits[scope as keyof typeof limits] = rate;
  }
  return limits;
}

/** Cloudflare's token, API, and where its rules are kept. */
export interface CloudflareConfig {
  readonly token: string;
  readonly base_url: string;
  readonly scopes: readonly EdgeScope[];
  /** The first zone; "" for an account. */
  readonly zone_id: string;
}

/** What is set of Cloudflare; null when there is no token. */
export function parseCloudflare(env: Env): CloudflareConfig | null {
  const token = optional(env, "CLOUDFLARE_API_TOKEN");
  const zones = parseZones(env);
  const account = parseAccount(env);
  const base_url = apiUrlOf(env, "CLOUDFLARE_API_TOKEN");
  if (zones.length > 0 && account !== null)
    throw new ConfigError("CLOUDFLARE_ACCOUNT_ID", "must not be set together with CLOUDFLARE_ZONE_ID: give one of the two");
  if (token === null) return null;
  if (!/^[\x21-\x7e]+$/.test(token)) throw new ConfigError("CLOUDFLARE_API_TOKEN", "must be a token without spaces");
  const scopes: readonly EdgeScope[] = account === null ? zones.map((id) => `zone:${id}` as const) : [`account:${account}`];
  if (scopes.length > 0) return { token, base_url, scopes, zone_id: zones[0] ?? "" };
  throw new ConfigError("CLOUDFLARE_ZONE_ID", "must be set, or CLOUDFLARE_ACCOUNT_ID instead, when CLOUDFLARE_API_TOKEN is");
}

const CLOUDFLARE_ID = /^[0-9a-f]{32}$/;

function parseZones(env: Env): readonly string[] {
  const zones = list(env, "CLOUDFLARE_ZONE_ID").map((id) => id.toLowerCase());
  if (!zones.every((id) => CLOUDFLARE_ID.test(id)))
    throw new ConfigError("CLOUDFLARE_ZONE_ID", "must be ids of zones, 32 hexadecimal digits each, separated by commas");
  if (new Set(zones).size < zones.length) throw new ConfigError("CLOUDFLARE_ZONE_ID", "must name each zone once");
  return zones;
}

function parseAccount(env: Env): string | null {
  const id = optional(env, "CLOUDFLARE_ACCOUNT_ID")?.toLowerCase() ?? null;
  if (id === null || CLOUDFLARE_ID.test(id)) return id;
  throw new ConfigError("CLOUDFLARE_ACCOUNT_ID", "must be the id of one account, 32 hexadecimal digits");
}

/** Cloudflare's pacing (contract: 1,200 calls in 5 minutes). */
export function parseCloudflareBudget(env: Env): { readonly limit: number; readonly window_ms: number } {
  const rate = toRate(optional(env, "CLOUDFLARE_BUDGET") ?? "1200/300s");
  if (rate) return rate;
  throw new ConfigError("CLOUDFLARE_BUDGET", "must be a rate like 1200/300s");
}
