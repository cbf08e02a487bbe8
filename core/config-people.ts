import { ConfigError, type Env, list, optional, toRate } from "./config-fields.ts";
import { IDENTITY_EXAMPLES, parseIdentity } from "./identity.ts";

type GrantedRole = "viewer" | "operator" | "admin";

/** An identity and the role it gets at first start. One of the sandbox's people has it only while the sandbox is on. */
export interface FirstGrant {
  readonly identity: string;
  readonly role: GrantedRole;
  readonly source: "setting" | "sandbox";
}

/** From the highest role to the least: who is named twice keeps the highest. */
const LISTS = [
  { name: "ADMINS", role: "admin" },
  { name: "OPERATORS", role: "operator" },
  { name: "VIEWERS", role: "viewer" },
] as const;

/** Who everybody in the sandbox is (contract, "Who may do what"). */
const SANDBOX_PEOPLE: readonly Omit<FirstGrant, "source">[] = [
  { identity: "telegram:1001", role: "admin" },
  { identity: "telegram:1002", role: "operator" },
  { identity: "telegram:1003", role: "viewer" },
  ...(["admin", "operator", "viewer"] as const).flatMap((role) => [
    { identity: `webex:${role}@example.com`, role },
    { identity: `slack:U${role.toUpperCase()}`, role },
  ]),
];

/**
 * The first grants of `ADMINS`, `OPERATORS` and `VIEWERS`, and in the sandbox of its people, unless a setting names them otherwise.
 * @throws ConfigError naming the list and the position of a wrong identity
 */
export function parseFirstGrants(env: Env, sandbox: boolean): readonly FirstGrant[] {
  const named = LISTS.flatMap(({ name, role }) =>
    list(env, name).map((item, at) => ({ identity: toIdentity(name, item, at), role, source: "setting" as const })),
  );
  const people = SANDBOX_PEOPLE.map((person) => ({ ...person, source: "sandbox" as const }));
  const grants = new Map<string, FirstGrant>();
  for (const grant of [...named, ...(sandbox ? people : [])]) {
    if (!grants.has(grant.identity)) grants.set(grant.identity, grant);
  }
  return [...grants.values()];
}

function toIdentity(variable: string, item: string, at: number): string {
  const identity = parseIdentity(item);
  if (identity !== null) return identity;
  throw new ConfigError(variable, `must be a comma list of people like ${IDENTITY_EXAMPLES}; item ${at + 1} is none`);
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
  const key = readKey(env, "SECRET_KEY");
  if (key || optional(env, "DATABASE_URL") === null) return key;
  throw new ConfigError("SECRET_KEY", "must be set when DATABASE_URL is: 32 bytes, base64 or hex (openssl rand -hex 32)");
}

/** The key before that, while it is changed: what was signed with it still counts. */
export function parseOldSecretKey(env: Env): Buffer | null {
  return readKey(env, "SECRET_KEY_OLD");
}

function readKey(env: Env, name: "SECRET_KEY" | "SECRET_KEY_OLD"): Buffer | null {
  const words = optional(env, name);
  if (words === null) return null;
  if (/^[0-9a-f]{64}$/i.test(words)) return Buffer.from(words, "hex");
  const bytes = /^[\w+/-]{43}=?$/.test(words) ? Buffer.from(words, "base64") : null;
  if (bytes?.length === SECRET_KEY_BYTES) return bytes;
  throw new ConfigError(name, "must be 32 bytes, base64 or hex (openssl rand -hex 32)");
}

/** How much one person may ask for: lines of text, and runs that have not ended. */
export interface PersonLimits {
  readonly lines: { readonly limit: number; readonly window_ms: number };
  readonly open_runs: number;
}

/** The design's limits, "Bad input": 20 lines a minute and 50 open runs. */
export const PERSON_LIMITS: PersonLimits = { lines: { limit: 20, window_ms: 60_000 }, open_runs: 50 };

/** `20/min,50/open`; a part that is not named keeps its default. */
export function parsePersonLimits(env: Env): PersonLimits {
  const limits = { ...PERSON_LIMITS };
  for (const item of list(env, "PERSON_LIMITS")) {
    const open = /^([1-9]\d{0,6})\/open$/.exec(item)?.[1];
    const lines = open === undefined ? toRate(item) : null;
    if (open !== undefined) limits.open_runs = Number(open);
    else if (lines) limits.lines = lines;
    else throw new ConfigError("PERSON_LIMITS", "must be like 20/min,50/open: lines of text in a time, and runs that have not ended");
  }
  return limits;
}
