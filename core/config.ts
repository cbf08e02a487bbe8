import { parseNetwork } from "./addresses.ts";
import { ConfigError, type Env, flag, integer, list, oneOf, optional, serverUrl } from "./config-fields.ts";
import {
  type FirstGrant,
  type PersonLimits,
  parseAdminKey,
  parseFirstGrants,
  parseOldSecretKey,
  parsePersonLimits,
  parseSecretKey,
} from "./config-people.ts";
import {
  type CloudflareConfig,
  parseCloudflare,
  parseCloudflareBudget,
  parsePublicUrl,
  parseSandbox,
  parseTelegram,
  parseTelegramLimits,
  parseTelegramWebhookSecret,
  type SandboxConfig,
} from "./config-platforms.ts";
import { LOCALES, type Locale } from "./locale.ts";

export { ConfigError } from "./config-fields.ts";

/** At most `limit` calls in any `window_ms`. */
export interface Rate {
  readonly limit: number;
  readonly window_ms: number;
}

/** The parts of Switchboard a process may run. */
export const PROCESS_ROLES = ["http", "bots", "workers", "scheduler"] as const;

/** A part of Switchboard that a process runs. */
export type ProcessRole = (typeof PROCESS_ROLES)[number];

/** How events are kept. */
export interface EventsConfig {
  /** Null: for ever. */
  readonly retention_days: number | null;
  /** How much of them may wait in the queue, in MiB. */
  readonly queue_mb: number;
}

/** Everything that is set from outside, checked. Made by `parseConfig`; the names of the variables are the contract's. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Absolute. */
  readonly data_dir: string;
  readonly roles: readonly ProcessRole[];
  /** Null: the embedded PostgreSQL in `data_dir`. */
  readonly database_url: string | null;
  /** Where the platforms reach this server, without a slash at its end; null: no webhooks. */
  readonly public_url: string | null;
  /** Null: queues and small things live in PostgreSQL. */
  readonly redis: { readonly url: string; readonly require_aof: boolean } | null;
  /** Null: no emulators. Port 0 picks one. */
  readonly sandbox: SandboxConfig | null;
  readonly admin_api_key: string | null;
  /** 32 bytes; null: made in `data_dir`. */
  readonly secret_key: Buffer | null;
  /** The one before; null: it is not being changed. */
  readonly secret_key_old: Buffer | null;
  /** Identities that get a role at their first start. */
  readonly first_grants: readonly FirstGrant[];
  readonly person_limits: PersonLimits;
  readonly locale: Locale;
  readonly zone: string;
  /** Canonical addresses and CIDRs. */
  readonly never_block: readonly string[];
  /** Null: off. Where the sandbox is used its token and root come from there. */
  readonly telegram: { readonly token: string; readonly api_root: string } | null;
  /** Null: derived from the secret key. */
  readonly telegram_webhook_secret: string | null;
  readonly telegram_limits: { readonly global: Rate; readonly chat: Rate; readonly group: Rate };
  /** Null: off. Where the sandbox is used it comes from there. */
  readonly cloudflare: CloudflareConfig | null;
  readonly cloudflare_budget: Rate;
  readonly events: EventsConfig;
  readonly log_level: "debug" | "info" | "warn" | "error";
}

/**
 * Reads every setting, or refuses. An empty variable is an unset one.
 * @param env the variables of the process
 * @param cwd the folder that a relative `DATA_DIR` starts from
 * @throws ConfigError one line that names the variable and what it should be, without its value
 */
export function parseConfig(env: Env, cwd: string): Config {
  const sandbox = parseSandbox(env);
  const database_url = serverUrl(env, "DATABASE_URL", ["postgres:", "postgresql:"]);
  return {
    host: parseHost(env),
    port: integer(env, "PORT", { min: 0, max: 65_535, fallback: 8_080 }),
    data_dir: parseDataDir(env, cwd),
    roles: parseRoles(env, database_url),
    database_url,
    public_url: parsePublicUrl(env),
    redis: parseRedis(env),
    sandbox,
    admin_api_key: parseAdminKey(env),
    secret_key: parseSecretKey(env),
    secret_key_old: parseOldSecretKey(env),
    first_grants: parseFirstGrants(env, sandbox !== null),
    person_limits: parsePersonLimits(env),
    locale: oneOf(env, "DEFAULT_LOCALE", { of: LOCALES, fallback: "en" }),
    zone: parseZone(env),
    never_block: list(env, "NEVER_BLOCK").map(toNetwork),
    telegram: parseTelegram(env),
    telegram_webhook_secret: parseTelegramWebhookSecret(env),
    telegram_limits: parseTelegramLimits(env),
    cloudflare: parseCloudflare(env),
    cloudflare_budget: parseCloudflareBudget(env),
    events: parseEvents(env),
    log_level: oneOf(env, "LOG_LEVEL", { of: ["debug", "info", "warn", "error"], fallback: "info" }),
  };
}

function parseHost(env: Env): string {
  const host = optional(env, "HOST") ?? "127.0.0.1";
  if (/^[a-z0-9._:-]{1,253}$/i.test(host)) return host;
  throw new ConfigError("HOST", "must be an address or a name of this machine, without a port, e.g. 127.0.0.1");
}

/** Without `node:path`, which core may not use: the operating system resolves "./" and "../" itself. */
function parseDataDir(env: Env, cwd: string): string {
  const folder = optional(env, "DATA_DIR") ?? ".data";
  if (folder.includes("\0")) throw new ConfigError("DATA_DIR", "must be a folder's path");
  return /^([a-z]:)?[\\/]/i.test(folder) ? folder : `${cwd.replace(/[\\/]$/, "")}/${folder}`;
}

function parseRoles(env: Env, databaseUrl: string | null): readonly ProcessRole[] {
  const words = list(env, "ROLES");
  if (words.length === 0 || (words.length === 1 && words[0] === "all")) return PROCESS_ROLES;
  const unknown = words.some((word) => !PROCESS_ROLES.some((role) => role === word));
  if (unknown) throw new ConfigError("ROLES", `must be all, or a comma list of ${PROCESS_ROLES.join(", ")}`);
  const roles = PROCESS_ROLES.filter((role) => words.includes(role));
  if (roles.length === PROCESS_ROLES.length || databaseUrl !== null) return roles;
  throw new ConfigError("DATABASE_URL", "must be set when ROLES is not all, for the processes share one database");
}

function parseRedis(env: Env): Config["redis"] {
  const url = serverUrl(env, "REDIS_URL", ["redis:", "rediss:"]);
  const require_aof = flag(env, "REDIS_REQUIRE_AOF", false);
  return url === null ? null : { url, require_aof };
}

/** A hundred years of days is more than anybody means, and a queue of a MiB holds a few thousand events. */
function parseEvents(env: Env): EventsConfig {
  const days = integer(env, "EVENT_RETENTION_DAYS", { min: 1, max: 36_500, fallback: 0 });
  return {
    retention_days: days === 0 ? null : days,
    queue_mb: integer(env, "EVENT_QUEUE_MB", { min: 1, max: 1_000_000, fallback: 256 }),
  };
}

function parseZone(env: Env): string {
  const zone = optional(env, "TZ_DEFAULT") ?? "UTC";
  try {
    // Offsets like "+09:00" are no zones of the IANA database, though newer engines take them.
    if (/^[a-z]/i.test(zone)) return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone && zone;
  } catch {
    // Intl says RangeError for a zone it does not know.
  }
  throw new ConfigError("TZ_DEFAULT", "must be an IANA time zone, e.g. Asia/Seoul");
}

function toNetwork(item: string, at: number): string {
  const network = parseNetwork(item);
  if (network !== null) return network;
  throw new ConfigError("NEVER_BLOCK", `must be a comma list of addresses and CIDRs; item ${at + 1} is none`);
}
