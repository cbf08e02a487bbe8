import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { until } from "./process.ts";

/** A server of the machine, started for one proof. */
export interface Server {
  readonly url: string;
  /** SIGKILL: what it had not written is gone. */
  kill(): Promise<void>;
  /** Starts it again on what it had written. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The servers that one Switchboard runs on. */
export interface Servers {
  /** The settings of a Switchboard that runs on them. */
  readonly env: Readonly<Record<string, string>>;
  readonly postgres: Server;
  readonly redis: Server;
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
  const flags = ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=200"];
  const launch = () => spawn(path.join(POSTGRES_15, "postgres"), flags, { ...as, cwd: "/", stdio: "ignore" });
  const url = `postgresql://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`;
  const ready = async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.end();
    return true;
  };
  return keep({ url, launch, ready: () => until("PostgreSQL answers", ready), goodbye: "SIGINT" });
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
  const launch = () => spawn("redis-server", settings, { stdio: ["ignore", "pipe", "ignore"] });
  const ready = async (child: ChildProcess) => {
    let printed = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      printed += chunk;
    });
    await until("Redis answers", async () => printed.includes("Ready to accept connections"));
  };
  return keep({ url: `redis://127.0.0.1:${port}`, launch, ready, goodbye: "SIGTERM" });
}

/** How a server is started and stopped. */
interface Keeping {
  readonly url: string;
  readonly launch: () => ChildProcess;
  readonly ready: (child: ChildProcess) => Promise<unknown>;
  readonly goodbye: NodeJS.Signals;
}

/** Starts a server, and waits until it can be used. */
async function keep({ url, launch, ready, goodbye }: Keeping): Promise<Server> {
  let child: ChildProcess | null = null;
  const start = async () => {
    child = launch();
    await ready(child);
  };
  const end = async (signal: NodeJS.Signals) => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  try {
    await start();
  } catch (thrown) {
    await end("SIGKILL");
    throw thrown;
  }
  return { url, start, kill: () => end("SIGKILL"), stop: () => end(goodbye) };
}

/**
 * Starts both, in this folder.
 * @param stops what ends what was started so far is put in front of these
 */
export async function startServers(folder: string, stops: (() => Promise<unknown>)[]): Promise<Servers> {
  const postgres = await startPostgres(path.join(folder, "postgres"));
  stops.unshift(postgres.stop);
  const redis = await startRedis(path.join(folder, "redis"));
  stops.unshift(redis.stop);
  const env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, REDIS_REQUIRE_AOF: "1", SECRET_KEY: "0".repeat(64) };
  return { env, postgres, redis };
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
