import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import type { Connection } from "../../clients/postgres/pool.ts";
import { type Program, startProgram, until } from "../../proof/process.ts";
import { type Platforms, startPlatforms } from "../../proof/sandbox.ts";
import { switchboard } from "./finished.ts";
import { usePostgres, withClient } from "./postgres.ts";
import { ADMIN_KEY, toUrl } from "./world.ts";

/** What must be found nowhere outside. */
const DATABASE_PASSWORD = "a-password-for-the-database";
/** The tables that hold what was asked and answered; a refusal leaves traces in no other. */
export const TRACES = ["audit", "conversations", "deliveries", "inbox"];

/** One Switchboard and its platforms for a whole test file. */
export interface SharedWorld {
  platforms(): Platforms;
  program(): Program;
  /** What it was started with. */
  env(): Readonly<Record<string, string>>;
  /** An API key of this role. */
  key(role: "viewer" | "operator" | "admin" | "ingest"): string;
  /** Which tables changed meanwhile, and whether Cloudflare's rules did. */
  changes(work: () => Promise<unknown>): Promise<string[]>;
  /** Says a line to the bot. @returns what it answered */
  say(person: number, text: string, language?: string): Promise<string>;
  /** Waits until nothing that came in or goes out is being worked on. */
  settled(): Promise<void>;
}

interface Running {
  readonly connection: Connection;
  readonly env: Readonly<Record<string, string>>;
  readonly platforms: Platforms;
  readonly program: Program;
  readonly keys: ReadonlyMap<string, string>;
}

/**
 * Starts real processes for the test file that calls it, and ends them with it. At the end nothing they printed may hold a secret.
 * @param extra settings besides those that every test has
 */
export function useWorld(extra: Readonly<Record<string, string>> = {}): SharedWorld {
  const postgres = usePostgres();
  let running: Running | undefined;
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "switchboard-shared-"));
    running = await start(folder, await postgres.database(), extra);
  });
  afterAll(async () => {
    const { program, platforms } = the();
    await program.kill();
    await platforms.program.kill();
    await rm(folder, { recursive: true, force: true });
    expectNoSecret(the(), program.output());
  });
  const the = () => {
    if (!running) throw new Error("the world starts in beforeAll");
    return running;
  };
  return {
    platforms: () => the().platforms,
    program: () => the().program,
    env: () => the().env,
    key: (role) => the().keys.get(role) ?? "",
    async changes(work) {
      const before = await snapshot(the());
      await work();
      const after = await snapshot(the());
      return Object.keys(after).filter((name) => before[name] !== after[name]);
    },
    say: (person, text, language) => say(the(), { person, text, language: language ?? "en" }),
    settled: () => settled(the().connection),
  };
}

async function start(folder: string, connection: Connection, extra: Readonly<Record<string, string>>): Promise<Running> {
  const platforms = await startPlatforms(path.join(folder, "platforms"), { TELEGRAM_LIMITS: "1000/s,1000/s/chat,1000/s/group" });
  const database = { DATABASE_URL: withPassword(toUrl(connection)), SECRET_KEY: "0".repeat(64) };
  const own = { DATA_DIR: path.join(folder, "data"), PORT: "0", ADMIN_API_KEY: ADMIN_KEY, LOG_LEVEL: "debug" };
  const env = { ...platforms.env, ...database, ...own, ...extra };
  const keys = new Map([["admin", ADMIN_KEY]]);
  for (const role of ["viewer", "operator", "ingest"]) {
    const made = await switchboard(["keys", "create", "--name", role, "--role", role], env);
    expect(made).toMatchObject({ code: 0 });
    keys.set(role, made.out.trim());
  }
  const program = await startProgram("bin/switchboard.js", { args: ["serve"], env });
  await reconciled(connection);
  return { connection, env, platforms, keys, program };
}

/** The keeper compares the rules with the ledger by itself, once at the start and then every few minutes: that is nobody's doing. */
async function reconciled(connection: Connection): Promise<void> {
  const read = "SELECT 1 FROM edge_scopes";
  await withClient(connection, (client) => until("the rules were read", async () => ((await client.query(read)).rowCount ?? 0) > 0));
}

function withPassword(url: string): string {
  return url.replace("@", `:${DATABASE_PASSWORD}@`);
}

/** Every table of ours as one hash, and Cloudflare's rules. */
async function snapshot({ connection, platforms }: Running): Promise<Record<string, string>> {
  const tables = await withClient(connection, async (client) => {
    // The audit's head is a part of the audit: it moves with every line.
    const all = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'audit_head'";
    const { rows: names } = await client.query<{ name: string }>(all);
    const hashes = names.map(
      ({ name }) => `SELECT '${name}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS hash FROM "${name}" t`,
    );
    const { rows } = await client.query<{ name: string; hash: string | null }>(`${hashes.join(" UNION ALL ")} ORDER BY name`);
    return Object.fromEntries(rows.map(({ name, hash }) => [name, hash ?? ""]));
  });
  return { ...tables, "Cloudflare's rules": JSON.stringify(await platforms.rules()) };
}

async function say({ connection, platforms }: Running, line: { person: number; text: string; language: string }): Promise<string> {
  const before = (await platforms.messages(line.person)).length;
  await platforms.say(line.person, line.text, line.language);
  const messages = await until(`an answer to ${line.text.slice(0, 40)}`, async () => {
    const now = await platforms.messages(line.person);
    return now.length > before && now;
  });
  await settled(connection);
  return messages.at(-1)?.text ?? "";
}

async function settled(connection: Connection): Promise<void> {
  await withClient(connection, (client) =>
    until("everything is done", async () => {
      const open = "SELECT 1 FROM inbox WHERE done_at IS NULL UNION ALL SELECT 1 FROM deliveries WHERE status IN ('scheduled', 'sending')";
      return (await client.query(open)).rowCount === 0;
    }),
  );
}

/** The values that no answer and no line of the log may hold. */
export function secretsOf({ env, key }: SharedWorld): string[] {
  return secretValues(env(), [key("viewer"), key("operator"), key("ingest")]);
}

function secretValues(env: Readonly<Record<string, string>>, keys: Iterable<string>): string[] {
  const named = ["TELEGRAM_BOT_TOKEN", "CLOUDFLARE_API_TOKEN", "ADMIN_API_KEY", "SECRET_KEY"].map((name) => env[name] ?? "");
  const secretHalf = env["TELEGRAM_BOT_TOKEN"]?.split(":")[1] ?? "";
  return [...named, secretHalf, DATABASE_PASSWORD, ...keys].filter((value) => value.length >= 8);
}

function expectNoSecret({ env, keys }: Running, printed: string): void {
  expect(printed).toContain("listening on");
  for (const secret of secretValues(env, keys.values())) expect(printed.includes(secret), `the log holds ${secret}`).toBe(false);
}
