import { onTestFinished } from "vitest";
import { createDeliveryStore } from "../../clients/postgres/deliveries.ts";
import { createInboxStore } from "../../clients/postgres/inbox.ts";
import { type Connection, createPool } from "../../clients/postgres/pool.ts";
import { createRunStore } from "../../clients/postgres/runs.ts";
import { openSession } from "../../clients/postgres/session.ts";
import type { Logger } from "../../core/ports.ts";

/** A log that nobody reads. */
export const SILENT: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** The stores of one process, and its sign of life. */
export type TestProcess = Awaited<ReturnType<typeof openProcess>>;

/** A process as the database sees one: a session and its stores. It ends with the test. */
export async function openProcess(database: Connection) {
  const session = await openSession(database, { log: SILENT, on_lost: () => undefined });
  const stores = openStores(database, session);
  onTestFinished(() => session.close());
  return {
    ...stores,
    session,
    /** Ends it as SIGKILL would: its connection is gone, and what it had claimed is as it was. */
    die: async () => {
      const number = session.id();
      await session.close();
      await gone(stores.pool, number);
    },
  };
}

/** The stores of a process that is taken for dead but goes on: no lock is held for its number. */
export function openGhost(database: Connection) {
  return openStores(database, { id: () => 2_000_000_000 });
}

function openStores(database: Connection, session: { id(): number }) {
  const pool = createPool(database, { max: 8, application_name: "test stores", log: SILENT });
  onTestFinished(() => pool.end());
  const rows = async <Row extends object>(sql: string, ...values: unknown[]) => (await pool.query<Row>(sql, values)).rows;
  return {
    pool,
    rows,
    inbox: createInboxStore(pool, session),
    runs: createRunStore(pool, session),
    deliveries: createDeliveryStore(pool, session),
  };
}

/** The server lets the lock of a closed connection go a moment later. */
async function gone(pool: ReturnType<typeof createPool>, number: number): Promise<void> {
  for (;;) {
    const { rowCount } = await pool.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1", [number]);
    if (rowCount === 0) return;
  }
}
