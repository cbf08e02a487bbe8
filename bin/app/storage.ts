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
  /** For BullMQ, whose SQL names no schema. */
  readonly queuePool: Pool;
  readonly prisma: PrismaClient;
  readonly session: Session;
  close(): Promise<void>;
}

const POOL_MAX = 16;
/** Two workers hold one each for LISTEN. */
const QUEUE_POOL_MAX = 12;

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
    const queuePool = createPool(connection, {
      max: QUEUE_POOL_MAX,
      search_path: `${QUEUE_SCHEMA},public`,
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
