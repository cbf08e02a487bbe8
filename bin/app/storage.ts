import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { startEmbedded } from "../../clients/postgres/embedded.ts";
import { migrate, migrateQueue } from "../../clients/postgres/migrate.ts";
import { type Connection, createPool, toClientConfig, toUnavailable } from "../../clients/postgres/pool.ts";
import { openSession, type Session } from "../../clients/postgres/session.ts";
import type { Config } from "../../core/config.ts";
import type { Logger } from "../../core/ports.ts";
import { PrismaClient } from "../../prisma/generated/client.ts";
import { migrationsFolder } from "./paths.ts";

/** The database of this process. */
export interface Storage {
  readonly embedded: boolean;
  readonly connection: Connection;
  readonly pool: pg.Pool;
  /** For BullMQ, whose SQL names no schema. */
  readonly queuePool: pg.Pool;
  readonly prisma: PrismaClient;
  readonly session: Session;
  close(): Promise<void>;
}

const POOL_MAX = 16;
/** Two workers hold one each for LISTEN. */
const QUEUE_POOL_MAX = 12;
const PRISMA_POOL_MAX = 4;

/**
 * Opens the database: the one at `DATABASE_URL`, or the embedded one, brought up to date.
 * @throws OpsError `unavailable` when it cannot be reached, `internal` when its migrations do not fit this release
 */
export async function openStorage(config: Config, log: Logger): Promise<Storage> {
  const embedded = config.database_url === null ? await startEmbedded({ data_dir: config.data_dir, log }) : null;
  const connection = embedded?.connection ?? config.database_url ?? "";
  try {
    await bringUpToDate(connection);
    const session = await openSession(connection, { log, on_lost: () => undefined });
    const pool = createPool(connection, { max: POOL_MAX, application_name: "switchboard", log });
    const queuePool = createPool(connection, {
      max: QUEUE_POOL_MAX,
      search_path: "bullmq,public",
      application_name: "switchboard queue",
      log,
    });
    const prisma = createPrisma(connection);
    const close = async () => {
      await Promise.all([prisma.$disconnect(), session.close(), pool.end(), queuePool.end()]);
      await embedded?.stop();
    };
    return { embedded: embedded !== null, connection, pool, queuePool, prisma, session, close };
  } catch (thrown) {
    await embedded?.stop();
    throw thrown;
  }
}

/** Applies what is new: our own migrations and BullMQ's. */
export async function bringUpToDate(connection: Connection): Promise<void> {
  const client = new pg.Client(toClientConfig(connection, { application_name: "switchboard migrations" }));
  try {
    await client.connect();
    await migrate(client, migrationsFolder());
    await migrateQueue(client);
  } catch (thrown) {
    throw toUnavailable(thrown);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Prisma's client on a small pool of its own. */
export function createPrisma(connection: Connection): PrismaClient {
  const config = toClientConfig(connection, { application_name: "switchboard records" });
  return new PrismaClient({ adapter: new PrismaPg({ ...config, max: PRISMA_POOL_MAX }) });
}
