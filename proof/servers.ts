import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { until } from "./process.ts";

/** A server of the machine, started for one proof. */
interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const POSTGRES_15 = "/usr/lib/postgresql/15/bin";
/** PostgreSQL refuses to run as root. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** A PostgreSQL 15 with its durability on, on a unix socket in this folder. @throws Error when the machine has none */
async function startPostgres(folder: string): Promise<Server> {
  await mkdir(folder, { recursive: true });
  const as: { uid?: number; gid?: number } = process.getuid?.() === 0 ? NOBODY : {};
  if (as.uid !== undefined) await chown(folder, as.uid, as.gid ?? as.uid);
  const data = path.join(folder, "data");
  await run(path.join(POSTGRES_15, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"], {
    ...as,
    cwd: "/",
  });
  const child = spawn(
    path.join(POSTGRES_15, "postgres"),
    ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=200"],
    {
      ...as,
      cwd: "/",
      stdio: "ignore",
    },
  );
  const url = `postgresql://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`;
  await until("PostgreSQL answers", async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.end();
    return true;
  });
  return { url, stop: () => end(child, "SIGINT") };
}

/** A Redis that forgets nothing (append-only file, no eviction), on a free port of the loopback address. */
async function startRedis(folder: string): Promise<Server> {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const settings = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--appendonly",
    "yes",
    "--maxmemory-policy",
    "noeviction",
  ];
  const child = spawn("redis-server", settings, { stdio: ["ignore", "pipe", "ignore"] });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk;
  });
  await until("Redis answers", async () => printed.includes("Ready to accept connections"));
  return { url: `redis://127.0.0.1:${port}`, stop: () => end(child, "SIGTERM") };
}

/**
 * Starts both, in this folder.
 * @param stops what ends what was started so far is put in front of these
 * @returns the settings of a Switchboard that runs on them
 */
export async function startServers(folder: string, stops: (() => Promise<unknown>)[]): Promise<Record<string, string>> {
  const postgres = await startPostgres(path.join(folder, "postgres"));
  stops.unshift(postgres.stop);
  const redis = await startRedis(path.join(folder, "redis"));
  stops.unshift(redis.stop);
  return { DATABASE_URL: postgres.url, REDIS_URL: redis.url, REDIS_REQUIRE_AOF: "1", SECRET_KEY: "0".repeat(64) };
}

async function end(child: ReturnType<typeof spawn>, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

/** A port nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
