import { startEmbedded } from "../../clients/postgres/embedded.ts";
import { bringUpToDate, QUEUE_SCHEMA } from "../../clients/postgres/migrate.ts";
import { type Connection, createPool, type Pool } from "../../clients/postgres/pool.ts";
import { createPrisma, type PrismaClient } from "../../clients/postgres/prisma.ts";
import { openSession, type Session } from "../../clients/postgres/session.ts";
import type { Config } from "../../core/config.ts";
import type { Logger } from "../../core/ports.ts";
import { migrationsFolder } from "./paths.ts";

/** The database of this process. */
export interface Storage {
  readonly embedded: boolean;
  readonly connection: Connection;
  readonly pool: Pool;
  /** For what is asked with every command. */
  readonly often: Pool;
  /** For writing events, so that nobody else waits behind them; where their queue is in the same database it does not wait for the disk. */
  readonly events: Pool;
  /** For BullMQ, whose SQL names no schema. */
  readonly queuePool: Pool;
  /** The same for workers of events; does not wait for the disk. */
  readonly relaxedPool: Pool;
  readonly prisma: PrismaClient;
  readonly session: Session;
  close(): Promise<void>;
}

const POOL_MAX = 8;
const OFTEN_POOL_MAX = 8;
/**
 * A statement that is made all the time is planned once a connection, maybe while its tables are still empty: by these settings it finds its rows by an index
 * then, too. A few hundred rows a second make a plan without one slow long before the server analyses the table (`autovacuum_naptime`, a minute).
 */
const BY_INDEX = { enable_seqscan: "off", enable_hashjoin: "off", enable_mergejoin: "off", plan_cache_mode: "force_generic_plan" };
/** As many as batches are written at once, and one for what failed. */
const EVENTS_POOL_MAX = 4;
/**
 * Connections for events and queues outlast a lull, in milliseconds: a new one costs its first users a tenth of a second, for the server reads and plans
 * BullMQ's functions once a connection.
 */
const IDLE_MS = 300_000;
/** The workers hold one for LISTEN. */
const QUEUE_POOL_MAX = 12;
/** As many as batches are worked on at once, and one for their locks. */
const RELAXED_POOL_MAX = 4;
/**
 * For what is done again when a power cut undoes it. Commits reach the disk in their order, so a batch that is gone from the queue is in the table, and
 * what a power cut takes from the table it gives back to the queue.
 */
const RELAXED = { synchronous_commit: "off" };
/** BullMQ's statements are prepared, maybe while its table is empty. */
const QUEUE = { enable_seqscan: "off" };

/**
 * Opens the database: the one at `DATABASE_URL`, or the embedded one, brought up to date.
 * @throws OpsError `unavailable` when it cannot be reached, `internal` when its migrations do not fit this release
 */
export async function openStorage(config: Config, log: Logger): Promise<Storage> {
  const embedded = config.database_url === null ? await startEmbedded({ data_dir: config.data_dir, log }) : null;
  const connection = embedded?.connection ?? config.database_url ?? "";
  try {
    await bringUpToDate(connection, migrationsFolder());
    const session = await openSession(connection, { log, on_lost: () => undefined });
    const pool = createPool(connection, { max: POOL_MAX, application_name: "switchboard", log });
    const often = createPool(connection, { max: OFTEN_POOL_MAX, application_name: "switchboard often", settings: BY_INDEX, log });
    const settings = config.redis === null ? RELAXED : {};
    const events = createPool(connection, {
      max: EVENTS_POOL_MAX,
      application_name: "switchboard events",
      settings,
      idle_ms: IDLE_MS,
      log,
    });
    const queue = { search_path: `${QUEUE_SCHEMA},public`, application_name: "switchboard queue", idle_ms: IDLE_MS, log };
    const queuePool = createPool(connection, { ...queue, max: QUEUE_POOL_MAX, settings: QUEUE });
    const relaxedPool = createPool(connection, { ...queue, max: RELAXED_POOL_MAX, settings: { ...QUEUE, ...RELAXED } });
    const prisma = createPrisma(connection);
    const close = async () => {
      await Promise.all([prisma.$disconnect(), session.close(), pool.end(), often.end(), events.end(), queuePool.end(), relaxedPool.end()]);
      await embedded?.stop();
    };
    return { embedded: embedded !== null, connection, pool, often, events, queuePool, relaxedPool, prisma, session, close };
  } catch (thrown) {
    await embedded?.stop();
    throw thrown;
  }
}
