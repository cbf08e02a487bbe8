import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import pg, { type ClientBase } from "pg";
import { OpsError } from "../../core/errors.ts";
import { type Connection, toClientConfig, toUnavailable } from "./pool.ts";

/** The advisory lock `prisma migrate` itself takes, so that the two never run at once. Source: Prisma's sql-schema-connector. */
const PRISMA_LOCK = 72_707_369;
/** How long to wait for another process that migrates, in milliseconds. */
const LOCK_MS = 60_000;
/** Where BullMQ's tables are. Its SQL names no schema, so its pools need the search_path `bullmq,public`. */
export const QUEUE_SCHEMA = "bullmq";

// Prisma's own table, column for column, so that `prisma migrate` and this file may take turns.
const LEDGER = `CREATE TABLE IF NOT EXISTS "public"."_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`;

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

interface Applied {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

/**
 * Applies what is new in a folder of Prisma migrations, in order, each in a transaction of its own, and records it as Prisma does.
 * Concurrent starters wait for each other. As each migration is a transaction, it may not hold CREATE INDEX CONCURRENTLY.
 * @param client one connection, not a pool: the lock belongs to it
 * @returns the names applied
 * @throws OpsError `internal` when a migration was edited, failed earlier, or is unknown to this release; `unavailable` when
 *   another process has been migrating for a minute
 */
export async function migrate(client: ClientBase, folder: string): Promise<string[]> {
  const migrations = await readMigrations(folder);
  await takeLock(client);
  try {
    await client.query(LEDGER);
    const { rows } = await client.query<Applied>(
      `SELECT migration_name, checksum, finished_at FROM "public"."_prisma_migrations" WHERE rolled_back_at IS NULL`,
    );
    const pending = pendingOf(migrations, rows);
    for (const migration of pending) await apply(client, migration);
    return pending.map(({ name }) => name);
  } finally {
    // Where the connection broke, its locks are gone with it.
    await client.query(`SELECT pg_advisory_unlock(${PRISMA_LOCK})`).catch(() => undefined);
  }
}

/**
 * Brings BullMQ's own tables in the schema `bullmq` up to date. BullMQ takes an advisory lock, so concurrent starters wait.
 * @param client one connection, not a pool
 * @throws OpsError `internal` when a newer release of BullMQ has been here
 */
export async function migrateQueue(client: ClientBase): Promise<void> {
  // Loaded here: a process whose queue is Redis has no use for it at this point, and it takes a moment.
  const { runMigrations, SchemaVersionMismatchError } = await import("bullmq");
  try {
    await runMigrations(client, QUEUE_SCHEMA);
  } catch (error) {
    if (!(error instanceof SchemaVersionMismatchError)) throw error;
    const message = "the queue's tables were made by a newer Switchboard: start that release, or restore a backup made by this one";
    throw new OpsError("internal", message, { cause: error });
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(path.join(folder, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function takeLock(client: ClientBase): Promise<void> {
  await client.query(`SET lock_timeout = ${LOCK_MS}`);
  try {
    await client.query(`SELECT pg_advisory_lock(${PRISMA_LOCK})`);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "55P03") throw error;
    throw new OpsError("unavailable", "another process has been migrating the database for a minute: try again when it is done", {
      cause: error,
    });
  }
  await client.query("RESET lock_timeout");
}

// What stands in the database must be exactly what this release would have put there.
function pendingOf(migrations: readonly Migration[], applied: readonly Applied[]): Migration[] {
  const byName = new Map(applied.map((row) => [row.migration_name, row]));
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = applied.find((row) => !known.has(row.migration_name));
  if (unknown) {
    throw new OpsError(
      "internal",
      `the database has the migration "${unknown.migration_name}", which this release does not know: start the newer release that made it, or restore a backup made before it`,
    );
  }
  return migrations.filter((migration) => {
    const row = byName.get(migration.name);
    if (row) assertSame(migration, row);
    return !row;
  });
}

function assertSame(migration: Migration, row: Applied): void {
  if (row.finished_at === null) {
    throw new OpsError(
      "internal",
      `the migration "${migration.name}" failed earlier: repair the database, then run "prisma migrate resolve --rolled-back ${migration.name}" (or --applied)`,
    );
  }
  if (row.checksum !== migration.checksum) {
    throw new OpsError(
      "internal",
      `the migration "${migration.name}" was edited after it had been applied: restore the file as it was and put the change into a new migration`,
    );
  }
}

async function apply(client: ClientBase, { name, sql, checksum }: Migration): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query("SET LOCAL search_path TO public");
    await client.query(sql);
    await client.query(
      `INSERT INTO "public"."_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/**
 * Brings a database up to date: our own migrations and BullMQ's.
 * @param folder of Prisma migrations
 * @throws OpsError as `migrate` and `migrateQueue` do; `unavailable` when the database cannot be reached
 */
export async function bringUpToDate(connection: Connection, folder: string): Promise<void> {
  const client = new pg.Client(toClientConfig(connection, { application_name: "switchboard migrations" }));
  try {
    await client.connect();
    await migrate(client, folder);
    await migrateQueue(client);
  } catch (thrown) {
    throw toUnavailable(thrown);
  } finally {
    await client.end().catch(() => undefined);
  }
}
