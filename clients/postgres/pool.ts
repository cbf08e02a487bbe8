import pg from "pg";
import { OpsError } from "../../core/errors.ts";
import type { Logger } from "../../core/ports.ts";

/** A pool of connections. */
export type Pool = pg.Pool;

/** A connection taken out of a pool. */
export type PoolClient = pg.PoolClient;

/** How to reach a PostgreSQL: a URL, or the parameters of the embedded one (a unix socket, no password). */
export type Connection = string | SocketConnection;

/** The parameters of a server on a unix socket. */
export interface SocketConnection {
  /** Folder of the socket, or a host name. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** What a connection may be told besides where the server is. */
export interface ClientOptions {
  /** Shown in `pg_stat_activity`. */
  readonly application_name: string;
  /** Schemas in order, for example `bullmq,public`; by default the server's own. */
  readonly search_path?: string;
  /** Further settings of the server's session, by their names in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** How a pool is made. */
export interface PoolOptions extends ClientOptions {
  /** At most so many connections. */
  readonly max: number;
  /** How long one that nobody uses is kept, in milliseconds; by default 10 s. */
  readonly idle_ms?: number;
  readonly log: Logger;
}

/** A dead server must be noticed within 2 s; every connection is given this long, in milliseconds. */
const CONNECT_MS = 2_000;
const IDLE_MS = 10_000;
/** How long a statement waits for a free connection of a busy pool. Busy is not dead, so this is longer than a connect. */
const WAIT_FOR_SLOT_MS = 10_000;
/** The same is said once in this time, in milliseconds. */
const SAME_LOSS_MS = 1_000;
/** Ends a statement whose server fell silent; nothing the stores do takes nearly as long. */
export const STATEMENT_MS = 30_000;

/** What `pg` needs for one connection. Also what `PrismaPg` takes. */
export function toClientConfig(connection: Connection, options: ClientOptions): pg.ClientConfig {
  const settings = { ...options.settings, ...(options.search_path ? { search_path: options.search_path } : {}) };
  const flags = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  const common = {
    application_name: options.application_name,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
  if (typeof connection !== "string") {
    // Said outright, because pg takes what is missing from PGPASSWORD, PGSSLMODE and PGOPTIONS.
    return { ...common, ...connection, password: "", ssl: false, options: flags.join(" ") };
  }
  const url = withOptions(connection, flags);
  return { ...common, connectionString: url };
}

// What stands in a URL wins over pg's own field, so the flags are added to those that are there.
function withOptions(url: string, flags: readonly string[]): string {
  if (flags.length === 0) return url;
  const [head = url, query = ""] = url.split(/\?(.*)/s, 2);
  const parameters = new URLSearchParams(query);
  parameters.set("options", [parameters.get("options") ?? "", ...flags].join(" ").trim());
  // The parser of pg reads "+" as a plus sign.
  return `${head}?${parameters.toString().replaceAll("+", "%20")}`;
}

/**
 * A pool of connections that outlives a restart of the server. It opens nothing until it is used.
 * Its errors are logged and never end the process; the statement they hit fails by itself.
 */
export function createPool(connection: Connection, options: PoolOptions): pg.Pool {
  const config = toClientConfig(connection, options);
  const pool = new pg.Pool({
    ...config,
    max: options.max,
    idleTimeoutMillis: options.idle_ms ?? IDLE_MS,
    query_timeout: STATEMENT_MS,
    connectionTimeoutMillis: WAIT_FOR_SLOT_MS,
    // The pool has one limit for both waits, so the connection gets its own here.
    Client: class extends pg.Client {
      constructor(given?: string | pg.ClientConfig) {
        super(typeof given === "string" ? given : { ...given, connectionTimeoutMillis: CONNECT_MS });
      }
    },
  });
  // BullMQ hangs a listener on the pool for each of its queues and workers.
  pool.setMaxListeners(0);
  pool.on("error", createLossLog(options));
  // The pool listens only to idle connections: without this, one lost while it is checked out would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** Says that a connection was lost: once for all that a dead server takes with it. */
function createLossLog({ log, application_name }: Pick<PoolOptions, "log" | "application_name">): (error: Error) => void {
  let told = { at: Number.NEGATIVE_INFINITY, reason: "" };
  return ({ message: reason }) => {
    const at = performance.now();
    const fields = { pool: application_name, reason };
    if (at - told.at < SAME_LOSS_MS && reason === told.reason) {
      log.debug(fields, "another connection to the database was lost");
      return;
    }
    told = { at, reason };
    log.warn(fields, "a connection to the database was lost; a new one is made when it is needed");
  };
}

/**
 * Runs the work in one transaction: committed when it resolves, rolled back when it throws.
 * @throws OpsError `unavailable` when the server cannot be reached or the connection broke; else what the work threw
 */
export async function withTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw toUnavailable(error);
  });
  let broken = false;
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    // A connection that cannot even roll back is thrown away, so that nobody inherits the transaction.
    await client.query("ROLLBACK").catch(() => {
      broken = true;
    });
    throw toUnavailable(error);
  } finally {
    client.release(broken);
  }
}

/** SQLSTATE of a server that is going away, starting, full or broken, or is only read from (after a failover): classes 08, 53, 57P, 58, and 25006. */
const UNREACHABLE_STATE = /^(08...|53...|57P0[1235]|58030|25006)$/;
const UNREACHABLE_ERRNO = /^(ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_)/;
// pg gives these no code. Source: pg/lib/client.js and pg-pool/index.js.
const UNREACHABLE_MESSAGE =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered)/;

/** An error that says the server is not there becomes OpsError `unavailable`; any other stays what it is. */
export function toUnavailable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof OpsError) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const gone = UNREACHABLE_STATE.test(code) || UNREACHABLE_ERRNO.test(code) || UNREACHABLE_MESSAGE.test(error.message);
  return gone ? new OpsError("unavailable", `the database cannot be reached: ${error.message}`, { cause: error }) : error;
}
