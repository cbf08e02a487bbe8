import { ConfigError, type Env, list, optional } from "./config-fields.ts";

type GrantedRole = "viewer" | "operator" | "admin";

/** An identity and the role it gets at first start. */
export interface FirstGrant {
  readonly identity: string;
  readonly role: GrantedRole;
}

/** From the highest role to the least: who is named twice keeps the highest. */
const LISTS = [
  { name: "ADMINS", role: "admin" },
  { name: "OPERATORS", role: "operator" },
  { name: "VIEWERS", role: "viewer" },
] as const;

/** Who everybody in the sandbox is (contract, "Who may do what"). */
const SANDBOX_GRANTS: readonly FirstGrant[] = [
  { identity: "telegram:1001", role: "admin" },
  { identity: "telegram:1002", role: "operator" },
  { identity: "telegram:1003", role: "viewer" },
  ...(["admin", "operator", "viewer"] as const).flatMap((role) => [
    { identity: `webex:${role}@example.com`, role },
    { identity: `slack:U${role.toUpperCase()}`, role },
  ]),
];

/** What an id looks like on each platform. */
const IDS: Readonly<Record<string, RegExp>> = {
  telegram: /^\d{1,19}$/,
  webex: /^[^\s@:]+@[^\s@:]+$/,
  slack: /^[UW][A-Z0-9]+$/,
  key: /^[\w.-]{1,64}$/,
  local: /^[\w.-]{1,64}$/,
};

/**
 * The first grants of `ADMINS`, `OPERATORS` and `VIEWERS`, and in the sandbox of its people, unless a setting names them otherwise.
 * @throws ConfigError naming the list and the position of a wrong identity
 */
export function parseFirstGrants(env: Env, sandbox: boolean): readonly FirstGrant[] {
  const named = LISTS.flatMap(({ name, role }) => list(env, name).map((item, at) => ({ identity: toIdentity(name, item, at), role })));
  const grants = new Map<string, FirstGrant>();
  for (const grant of [...named, ...(sandbox ? SANDBOX_GRANTS : [])]) {
    if (!grants.has(grant.identity)) grants.set(grant.identity, grant);
  }
  return [...grants.values()];
}

function toIdentity(variable: string, item: string, at: number): string {
  const [, platform = "", id = ""] = /^([a-z]+):(.+)$/.exec(item) ?? [];
  const form = Object.hasOwn(IDS, platform) ? IDS[platform] : undefined;
  // Webex and mail servers hold that the case of an address means nothing.
  if (form?.test(id)) return platform === "webex" ? item.toLowerCase() : item;
  const example = "telegram:1001,webex:ops@example.com,slack:U1";
  throw new ConfigError(variable, `must be a comma list of people like ${example}; item ${at + 1} is none`);
}

/** At least this many characters, so that a key cannot be guessed (contract). */
const ADMIN_API_KEY_CHARS = 16;

/** The first admin key. It travels in a header, so it is plain ASCII without spaces. */
export function parseAdminKey(env: Env): string | null {
  const key = optional(env, "ADMIN_API_KEY");
  if (key === null || (key.length >= ADMIN_API_KEY_CHARS && /^[\x21-\x7e]+$/.test(key))) return key;
  throw new ConfigError("ADMIN_API_KEY", `must be at least ${ADMIN_API_KEY_CHARS} characters: ASCII letters, digits and signs, no spaces`);
}

const SECRET_KEY_BYTES = 32;

/** The key that encrypts and signs. Required with `DATABASE_URL`, for then several processes share it. */
export function parseSecretKey(env: Env): Buffer | null {
  const words = optional(env, "SECRET_KEY");
  if (words === null) {
    if (optional(env, "DATABASE_URL") === null) return null;
    throw new ConfigError("SECRET_KEY", "must be set when DATABASE_URL is: 32 bytes, base64 or hex (openssl rand -hex 32)");
  }
  if (/^[0-9a-f]{64}$/i.test(words)) return Buffer.from(words, "hex");
  const bytes = /^[\w+/-]{43}=?$/.test(words) ? Buffer.from(words, "base64") : null;
  if (bytes?.length === SECRET_KEY_BYTES) return bytes;
  throw new ConfigError("SECRET_KEY", "must be 32 bytes, base64 or hex (openssl rand -hex 32)");
}
