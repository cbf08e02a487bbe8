import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrate, migrateQueue } from "../../../clients/postgres/migrate.ts";
import type { Connection } from "../../../clients/postgres/pool.ts";
import { usePostgres, withClient } from "../../support/postgres.ts";

const OURS = path.resolve(import.meta.dirname, "../../../prisma/migrations");
const postgres = usePostgres();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "switchboard-migrations-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of our migrations with one more, and a database that has only ours. */
async function nextRelease(name: string, sql: string) {
  const migrations = path.join(folder, name);
  await cp(OURS, migrations, { recursive: true });
  await mkdir(path.join(migrations, name));
  await writeFile(path.join(migrations, name, "migration.sql"), sql);
  return { migrations, file: path.join(migrations, name, "migration.sql"), database: await postgres.database() };
}

const up = (database: Connection, migrations: string) => withClient(database, (client) => migrate(client, migrations));

describe("migrate", () => {
  it("applies what is new, once", async () => {
    const { migrations, database } = await nextRelease(
      "20990101000000_shelf",
      "CREATE TABLE shelf (id INTEGER); INSERT INTO shelf VALUES (1);",
    );
    expect(await up(database, migrations)).toEqual(["20990101000000_shelf"]);
    expect(await up(database, migrations)).toEqual([]);
    const { rows } = await withClient(database, (client) => client.query("SELECT id FROM public.shelf"));
    expect(rows).toEqual([{ id: 1 }]);
  });

  it("lets concurrent starters wait for each other: one of them applies", async () => {
    const { migrations, database } = await nextRelease("20990102000000_race", "CREATE TABLE race (id INTEGER); SELECT pg_sleep(0.05);");
    const applied = await Promise.all([1, 2, 3, 4].map(() => up(database, migrations)));
    expect(applied.flat()).toEqual(["20990102000000_race"]);
  });

  it("refuses a migration that was edited after it had been applied, and says which", async () => {
    const { migrations, file, database } = await nextRelease("20990103000000_edited", "SELECT 1;");
    await up(database, migrations);
    await writeFile(file, "SELECT 2;");
    await expect(up(database, migrations)).rejects.toThrow(/"20990103000000_edited" was edited .* restore the file/);
  });

  it("refuses a database that a newer release has migrated", async () => {
    const { migrations, database } = await nextRelease("20990104000000_newer", "SELECT 1;");
    await up(database, migrations);
    await expect(up(database, OURS)).rejects.toThrow(/"20990104000000_newer", which this release does not know/);
  });

  it("refuses one that prisma left half done", async () => {
    const { migrations, database } = await nextRelease("20990105000000_half", "SELECT 1;");
    await withClient(database, (client) =>
      client.query(`INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'y', '20990105000000_half')`),
    );
    await expect(up(database, migrations)).rejects.toThrow(/"20990105000000_half" failed earlier/);
  });

  it("undoes a migration that fails as a whole, so that it can be mended and run again", async () => {
    const { migrations, file, database } = await nextRelease("20990106000000_broken", "CREATE TABLE mended (id INTEGER); SELECT nonsense;");
    await expect(up(database, migrations)).rejects.toThrow(/nonsense/);
    await writeFile(file, "CREATE TABLE mended (id INTEGER);");
    expect(await up(database, migrations)).toEqual(["20990106000000_broken"]);
  });
});

describe("migrateQueue", () => {
  it("makes BullMQ's tables once, however many start at the same time", async () => {
    const database = await postgres.database();
    await withClient(database, (client) => client.query("DROP SCHEMA bullmq CASCADE"));
    await Promise.all([1, 2, 3].map(() => withClient(database, migrateQueue)));
    const { rows } = await withClient(database, (client) => client.query("SELECT to_regclass('bullmq.migration') IS NOT NULL AS made"));
    expect(rows).toEqual([{ made: true }]);
  });

  it("refuses tables of a newer BullMQ", async () => {
    const database = await postgres.database();
    await withClient(database, (client) => client.query("UPDATE bullmq.migration SET min_client_version = 99"));
    await expect(withClient(database, migrateQueue)).rejects.toThrow(/newer Switchboard/);
  });
});
