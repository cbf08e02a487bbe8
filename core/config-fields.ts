import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** A wrong or missing setting. The message is one line: the variable, and what it should be. It never holds a value, which may be a secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** The variable to look at. */
  readonly variable: string;

  /** @param should what follows the variable's name, e.g. "must be 0 or 1" */
  constructor(variable: string, should: string) {
    super(`${variable} ${should}`);
    this.variable = variable;
  }
}

/** The variables as the process got them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The value of a variable without white space around it; null when it is unset or empty. */
export function optional(env: Env, name: string): string | null {
  return env[name]?.trim() || null;
}

/** A whole number between two bounds, both included. */
export function integer(env: Env, name: string, range: { readonly min: number; readonly max: number; readonly fallback: number }): number {
  const value = optional(env, name);
  if (value === null) return range.fallback;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= range.min && number <= range.max) return number;
  throw new ConfigError(name, `must be a whole number from ${range.min} to ${range.max}`);
}

/** A switch: 1 is on, 0 is off. */
export function flag(env: Env, name: string, fallback: boolean): boolean {
  const value = optional(env, name);
  if (value === null) return fallback;
  if (value === "0" || value === "1") return value === "1";
  throw new ConfigError(name, "must be 0 or 1");
}

/** One of a few words. */
export function oneOf<T extends string>(env: Env, name: string, choice: { readonly of: readonly T[]; readonly fallback: T }): T {
  const value = optional(env, name);
  if (value === null) return choice.fallback;
  const found = choice.of.find((word) => word === value);
  if (found !== undefined) return found;
  throw new ConfigError(name, `must be ${choice.of.slice(0, -1).join(", ")} or ${choice.of.at(-1)}`);
}

/** The items of a comma list; an unset variable has none. */
export function list(env: Env, name: string): readonly string[] {
  const items = (optional(env, name) ?? "").split(",").map((item) => item.trim());
  return items.filter((item) => item !== "");
}

/** An address of a server with one of these schemes, e.g. `postgres:`. */
export function serverUrl(env: Env, name: string, schemes: readonly string[]): string | null {
  const value = optional(env, name);
  if (value === null) return null;
  const scheme = /^[a-z][a-z0-9+.-]*:(?=\/\/.)/i.exec(value)?.[0].toLowerCase();
  if (scheme === undefined || !schemes.includes(scheme))
    throw new ConfigError(name, `must be a URL that begins with ${schemes.map((each) => `${each}//`).join(" or ")}`);
  if (isReadable(value)) return value;
  throw new ConfigError(name, "must be a URL whose parts can be read; signs such as # % / in a password are written %23 %25 %2F");
}

/** Whether clients can take a URL apart: they decode the user, the password and the path. */
function isReadable(value: string): boolean {
  try {
    const { username, password, pathname } = new URL(value);
    for (const part of [username, password, pathname]) decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** The base of an HTTP API, without a slash at its end. */
export function apiUrl(env: Env, name: string, fallback: string): string {
  const value = optional(env, name) ?? fallback;
  const url = /^https?:\/\//i.test(value) && URL.canParse(value) ? new URL(value) : null;
  if (url && url.search === "" && url.hash === "" && url.username === "") return url.href.replace(/\/+$/, "");
  throw new ConfigError(name, "must be an http or https URL without a query or a user name");
}

/** Whether a URL or a host's name means this machine. `localhost` is taken to be what it says. */
export function isLoopback(urlOrHost: string): boolean {
  const host = (urlOrHost.includes("://") ? new URL(urlOrHost).hostname : urlOrHost).replace(/^\[|\]$/g, "").toLowerCase();
  if (host === "localhost") return true;
  return isIP(host) !== 0 && ipaddr.process(host).range() === "loopback";
}

const UNIT_MS = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 } as const;

/** The form of a rate, `30/s` or `1200/300s`; null when it is none. */
export function toRate(words: string): { readonly limit: number; readonly window_ms: number } | null {
  const [, limit = "0", count = "", unit = ""] = /^(\d{1,7})\/(\d{0,5})(ms|s|min|h)$/.exec(words) ?? [];
  const size = UNIT_MS[unit as keyof typeof UNIT_MS] ?? 0;
  const rate = { limit: Number(limit), window_ms: size * Number(count || 1) };
  return rate.limit > 0 && rate.window_ms > 0 ? rate : null;
}
