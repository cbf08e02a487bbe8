import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { OpsError } from "../../core/errors.ts";
import type { Lease, Leases, Logger } from "../../core/ports.ts";
import { type Connection, toClientConfig, toUnavailable } from "./pool.ts";

/** First key of the advisory locks that say "the process of session N lives". Ours alone; the number has no meaning. */
const ALIVE_LOCK = 21_335;
/** First key of the advisory locks behind the leases. */
const LEASE_LOCK = 21_336;
const BEAT_MS = 5_000;
/** A beat unanswered for this long means the connection is gone. Well below the 25 s after which the server lets the locks go. */
const ANSWER_MS = 5_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 5_000;

/** How soon the server notices that our machine is gone, in seconds: 10 + 3 * 5. Without it a dead claim would live for two hours. */
const KEEPALIVE = { tcp_keepalives_idle: 10, tcp_keepalives_interval: 5, tcp_keepalives_count: 3, tcp_user_timeout: 25_000 };

/**
 * SQL: the numbers of the sessions whose process lives. For `claimed_by NOT IN (${ALIVE_SESSIONS})`: it holds no null.
 * A session takes its lock before it claims anything, so a claim that can be seen is never taken for dead too early.
 */
export const ALIVE_SESSIONS = `SELECT objid::int FROM pg_locks WHERE locktype = 'advisory' AND classid = ${ALIVE_LOCK} AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** A process's sign of life in the database: what it claims is its own for as long as this connection stands. */
export interface Session extends Leases {
  /**
   * The number to write into `claimed_by`. It changes when the connection was lost and found again.
   * @throws OpsError `unavailable` while there is no connection
   */
  id(): number;
  /** As in `Leases`; null also where this very session holds it. */
  lease(name: string): Promise<Lease | null>;
  /** Ends it: claims and leases are free at once. */
  close(): Promise<void>;
}

/** What a session needs. */
export interface SessionOptions {
  readonly log: Logger;
  /** The connection broke: the claims and leases of the old number are lost. A new one is taken without further ado. */
  readonly on_lost: () => void;
  /** Shown in `pg_stat_activity`. */
  readonly application_name?: string;
}

/** One connection with its number; made anew after each loss. */
interface Link {
  readonly client: pg.Client;
  readonly number: number;
  readonly leases: Set<string>;
  /** One statement at a time; pg deprecates its own queue. */
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<pg.QueryResult<R>>;
}

/**
 * Opens the session of this process and keeps it open: after a loss it connects again with growing pauses of up to 5 s.
 * @throws OpsError `unavailable` when the server cannot be reached at the start
 */
export async function openSession(connection: Connection, options: SessionOptions): Promise<Session> {
  const name = options.application_name ?? "switchboard session";
  const config = { ...toClientConfig(connection, { application_name: name, settings: KEEPALIVE }), query_timeout: ANSWER_MS };
  let closed = false;
  let link: Link | null = null;

  const lost = (from: Link, error: unknown): void => {
    if (link !== from) return;
    link = null;
    // Where a beat went unanswered the socket is still there: the server must see it close.
    from.client.end().catch(() => undefined);
    if (closed) return;
    options.log.warn({ err: error, session: from.number }, "the database session was lost; what it had claimed is given up");
    options.on_lost();
    void reconnect();
  };

  const connect = async (): Promise<void> => {
    const fresh = await openLink(config);
    link = fresh;
    fresh.client.on("error", (error) => lost(fresh, error));
    fresh.client.on("end", () => lost(fresh, new Error("the connection ended")));
  };

  const reconnect = async (): Promise<void> => {
    for (let pause = RECONNECT_MIN_MS; !closed && !link; pause = Math.min(pause * 2, RECONNECT_MAX_MS)) {
      await sleep(pause, undefined, { ref: false });
      await connect().catch((error: unknown) => options.log.debug({ err: error }, "the database session cannot be opened yet"));
    }
    if (closed) await link?.client.end();
    else options.log.info({ session: link?.number }, "the database session was opened again");
  };

  await connect().catch((error: unknown) => {
    throw toUnavailable(error);
  });
  const beat = setInterval(() => {
    const at = link;
    if (at) at.query("SELECT 1").catch((error: unknown) => lost(at, error));
  }, BEAT_MS);

  return {
    id: () => standing(link).number,
    lease: async (key) => {
      const at = standing(link);
      return (await takeLease(at, key)) ? toLease(at, key, () => link === at) : null;
    },
    close: async () => {
      closed = true;
      clearInterval(beat);
      await link?.client.end().catch(() => undefined);
      link = null;
    },
  };
}

function standing(link: Link | null): Link {
  if (link) return link;
  throw new OpsError("unavailable", "the database session is down; it is being opened again");
}

async function openLink(config: pg.ClientConfig): Promise<Link> {
  const client = new pg.Client(config);
  // Until it has its number, a failed statement says all there is to say.
  client.on("error", () => undefined);
  let turn: Promise<unknown> = Promise.resolve();
  const query: Link["query"] = (text, values) => {
    const result = turn.then(() => client.query(text, values ? [...values] : []));
    turn = result.catch(() => undefined);
    return result;
  };
  try {
    await client.connect();
    return { client, query, number: await takeNumber(query), leases: new Set() };
  } catch (error) {
    client.end().catch(() => undefined);
    throw error;
  }
}

// The sequence starts over one day; a number whose lock is held is in use and the next one is tried.
async function takeNumber(query: Link["query"]): Promise<number> {
  for (;;) {
    const { rows } = await query<{ number: number; taken: boolean }>(
      `SELECT n::int AS number, pg_try_advisory_lock(${ALIVE_LOCK}, n::int) AS taken FROM nextval('public.sessions') AS n`,
    );
    if (rows[0]?.taken) return rows[0].number;
  }
}

// Advisory locks let their own session in again, so a name that is held here is refused before the server is asked.
async function takeLease(link: Link, key: string): Promise<boolean> {
  if (link.leases.has(key)) return false;
  link.leases.add(key);
  try {
    const { rows } = await link.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${LEASE_LOCK}, hashtext($1)) AS taken`, [key]);
    if (rows[0]?.taken) return true;
  } catch (thrown) {
    link.leases.delete(key);
    // The connection broke under us: its loss is told in its own way as well.
    throw toUnavailable(thrown);
  }
  link.leases.delete(key);
  return false;
}

function toLease(link: Link, key: string, isCurrent: () => boolean): Lease {
  let released = false;
  return {
    held: () => !released && isCurrent(),
    release: async () => {
      if (released) return;
      released = true;
      // A connection that broke has let it go already.
      await link.query(`SELECT pg_advisory_unlock(${LEASE_LOCK}, hashtext($1))`, [key]).catch(() => undefined);
      link.leases.delete(key);
    },
  };
}
