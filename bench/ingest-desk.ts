import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { join } from "../clients/postgres/embedded.ts";
import { startProgram } from "../proof/process.ts";
import { startServers } from "../proof/servers.ts";

const run = promisify(execFile);

/** What Switchboard stands on. */
export type Backend = "redis" | "embedded";

/** A Switchboard that takes events, and its database. */
export interface IngestDesk {
  readonly url: string;
  readonly pid: number;
  /** Headers of a client with a key of the role `ingest`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same for whoever may search. */
  readonly reader: Readonly<Record<string, string>>;
  /** Connections to the database that Switchboard writes to. */
  readonly pool: pg.Pool;
  end(): Promise<void>;
}

/** Raw inserts and the bench's own questions. */
const CONNECTIONS = 8;

/**
 * Starts it, with its servers, as it is started for real: with keys, without the sandbox.
 * @param node_options for a profile of it
 */
export async function startIngestDesk(backend: Backend, node_options: readonly string[] = []): Promise<IngestDesk> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-bench-"));
  // An embedded database whose Switchboard was killed takes a moment to end, and writes meanwhile.
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })];
  const end = async () => {
    for (const stop of stops) await stop();
  };
  try {
    // PostgreSQL, which does not run as root, must be able to pass through.
    await chmod(folder, 0o711);
    const storage = backend === "redis" ? (await startServers(folder, stops)).env : {};
    const data_dir = path.join(folder, "data");
    const own = { ...storage, DATA_DIR: data_dir, PORT: "0", SANDBOX: "0", LOG_LEVEL: "warn" };
    const program = await startProgram("bin/switchboard.js", { args: ["serve"], env: own, node_options });
    stops.unshift(() => program.kill());
    const connection = "DATABASE_URL" in storage ? storage["DATABASE_URL"] : await join({ data_dir });
    const config = typeof connection === "string" ? { connectionString: connection } : { ...connection, password: "" };
    const pool = new pg.Pool({ ...config, max: CONNECTIONS, idleTimeoutMillis: 0 });
    pool.on("error", () => undefined);
    stops.unshift(() => pool.end());
    const keyOf = async (role: string) => ({ authorization: `Bearer ${await makeKey(role, own)}`, "content-type": "application/json" });
    return { url: program.url, pid: program.pid, headers: await keyOf("ingest"), reader: await keyOf("viewer"), pool, end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

async function makeKey(role: string, env: Readonly<Record<string, string>>): Promise<string> {
  const script = path.join(import.meta.dirname, "../bin/switchboard.js");
  const { stdout } = await run(process.execPath, [script, "keys", "create", "--name", `bench-${role}`, "--role", role], {
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/tmp", ...env },
  });
  return stdout.trim();
}

/** How many events the table holds. */
export async function countStored(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>("SELECT count(*)::int AS count FROM events");
  return rows[0]?.count ?? 0;
}

/** Resolves when the table holds so many events. @returns how long that took, in milliseconds */
export async function untilStored(pool: pg.Pool, count: number): Promise<number> {
  const began = performance.now();
  while ((await countStored(pool)) < count) await new Promise((resolve) => setTimeout(resolve, 20));
  return performance.now() - began;
}
