import type { ChildProcess } from "node:child_process";
import { open, readFile, stat, truncate } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { OpsError } from "../../core/errors.ts";
import type { Logger } from "../../core/ports.ts";
import { type Account, chooseAccount } from "./embedded/account.ts";
import { type Binaries, findBinaries } from "./embedded/binaries.ts";
import { ensureCluster } from "./embedded/cluster.ts";
import { give, makeSocketFolder, openPlaces, type Places, PORT, removeSocketFolder } from "./embedded/places.ts";
import { answers, awaitPredecessor } from "./embedded/predecessor.ts";
import { claimFolder, ownerOf } from "./owner.ts";
import { type SocketConnection, toClientConfig } from "./pool.ts";
import { exited, stopSupervised, supervise } from "./supervise.ts";

/** A PostgreSQL of our own. */
export interface Embedded {
  readonly connection: SocketConnection;
  /** Stops the server and gives the folder back. */
  stop(): Promise<void>;
}

const DATABASE = "switchboard";
const LOG_BYTES = 1024 * 1024;
const READY_POLL_MS = 10;
/** A recovery after a crash replays at most one checkpoint's worth of log; this is far more than it takes. */
const READY_MS = 60_000;
const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 30_000;

const SETTINGS = {
  // A socket that only this user and root can reach: there is no password to keep and no port to collide.
  listen_addresses: "",
  unix_socket_permissions: "0700",
  max_connections: 100,
  shared_buffers: "64MB",
  jit: "off",
  // Three processes less; with so small a database there is nothing to read ahead.
  io_method: "sync",
  // Starts, stops and crashes. Statements that fail are told to whoever sent them, and may hold what people typed.
  log_min_messages: "log",
  log_checkpoints: "off",
};

interface Server {
  readonly places: Places;
  readonly binaries: Binaries;
  readonly account: Account;
  readonly log: Logger;
}

const connectionAt = (host: string): SocketConnection => ({ host, port: PORT, user: "postgres", database: DATABASE });

/**
 * Starts the embedded PostgreSQL 18 in `DATA_DIR/postgres`, making its folder the first time. It listens on a unix socket alone, ends
 * with this process however that ends, and is started again should it end by itself.
 * @throws OpsError `unavailable` when the folder is in use, or it cannot run here; the message says what to do
 */
export async function startEmbedded({ data_dir, log }: { data_dir: string; log: Logger }): Promise<Embedded> {
  try {
    const places = await openPlaces(data_dir);
    const owner = await claimFolder(places.root, places.host);
    try {
      const binaries = await findBinaries(places.lib);
      const account = await chooseAccount(places, binaries, log);
      const server = await keepRunning({ places, binaries, account, log });
      const stop = async () => {
        await server.stop();
        await removeSocketFolder(places);
        await owner.release();
      };
      return { connection: connectionAt(places.host), stop };
    } catch (error) {
      await owner.release();
      throw error;
    }
  } catch (error) {
    throw explain(error, data_dir);
  }
}

/** How to reach the embedded server that another process runs on this folder, or null when none does. */
export async function join({ data_dir }: { data_dir: string }): Promise<SocketConnection | null> {
  const owner = await ownerOf(path.join(data_dir, "postgres")).catch((error: unknown) => {
    throw explain(error, data_dir);
  });
  return owner && (await answers(owner.host)) ? connectionAt(owner.host) : null;
}

function explain(error: unknown, data_dir: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (error instanceof OpsError || !["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"].includes(String(code))) return error;
  const message = `the data folder ${data_dir} cannot be used (${code}): choose another DATA_DIR, or run as the user it belongs to`;
  return new OpsError("unavailable", message, { cause: error });
}

// Starts the server, and again whenever it ends unasked, with growing pauses.
async function keepRunning(server: Server): Promise<{ stop(): Promise<void> }> {
  let stopping = false;
  let child = await launch(server);
  const restart = async (code: number | null, pause: number): Promise<void> => {
    server.log.error({ code, log: server.places.log }, "the embedded PostgreSQL ended by itself; it is being started again");
    await sleep(pause);
    if (stopping) return;
    try {
      child = await launch(server);
    } catch (error) {
      server.log.error({ err: error }, "the embedded PostgreSQL does not start");
    }
    if (stopping) await stopSupervised(child);
  };
  const watch = async (): Promise<void> => {
    let pause = RESTART_MIN_MS;
    while (!stopping) {
      const since = performance.now();
      const code = await exited(child).catch(() => null);
      if (stopping) return;
      pause = performance.now() - since > RESTART_MAX_MS ? RESTART_MIN_MS : Math.min(pause * 2, RESTART_MAX_MS);
      await restart(code, pause);
    }
  };
  const watching = watch();
  return {
    stop: async () => {
      stopping = true;
      await stopSupervised(child);
      await watching;
    },
  };
}

async function launch(server: Server): Promise<ChildProcess> {
  const { places, binaries, account } = server;
  await awaitPredecessor(places);
  await ensureCluster(places, binaries, account);
  await makeSocketFolder(places.host, account);
  const flags = Object.entries({ ...SETTINGS, cluster_name: places.tag }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const output = await openLog(places.log, account);
  try {
    const command = [binaries.postgres, "-D", places.data, "-k", places.host, ...flags];
    const child = supervise(command, { env: binaries.env, ...account.drop, output: output.fd }, account.prefix);
    await ready(child, places).catch(async (error: unknown) => {
      await stopSupervised(child);
      throw error;
    });
    return child;
  } finally {
    await output.close();
  }
}

async function openLog(file: string, account: Account) {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_BYTES) await truncate(file);
  const handle = await open(file, "a", 0o600);
  await give(file, account);
  return handle;
}

// Ready is when our database takes a connection; the first time, it is made. The server is not asked before it says itself that
// it is ready, because it logs each refusal.
async function ready(child: ChildProcess, places: Places): Promise<void> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  exited(child).then(end, end);
  const deadline = performance.now() + READY_MS;
  while (!(await takesConnections(places))) {
    if (ended || performance.now() > deadline) throw await notStarted(places);
    await sleep(READY_POLL_MS);
  }
}

async function takesConnections(places: Places): Promise<boolean> {
  const status = await readFile(path.join(places.data, "postmaster.pid"), "utf8").catch(() => "");
  // Line 8 of that file. Source: src/include/utils/pidfile.h
  if (status.split("\n")[7]?.trim() !== "ready") return false;
  const failure = await tryStatement(connectionAt(places.host), "SELECT 1");
  const missing = failure?.code === "3D000";
  if (missing) await tryStatement({ ...connectionAt(places.host), database: "postgres" }, `CREATE DATABASE ${DATABASE}`);
  return failure === null;
}

async function tryStatement(connection: SocketConnection, statement: string): Promise<{ code: unknown } | null> {
  const client = new pg.Client(toClientConfig(connection, { application_name: "switchboard start" }));
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(statement);
    return null;
  } catch (error) {
    return { code: error instanceof Error && "code" in error ? error.code : undefined };
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function notStarted(places: Places): Promise<OpsError> {
  const lines = (await readFile(places.log, "utf8").catch(() => "")).trim().split("\n");
  const words = lines.slice(-3).join(" ");
  return new OpsError("unavailable", `the embedded PostgreSQL did not start; ${places.log} says: ${words}`);
}
