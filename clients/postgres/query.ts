import type pg from "pg";
import { toUnavailable } from "./pool.ts";

/**
 * One statement on the pool.
 * @throws OpsError `unavailable` when the database cannot be reached; other database errors pass through
 */
export async function query<Row extends pg.QueryResultRow>(pool: pg.Pool, sql: string, params: readonly unknown[] = []): Promise<Row[]> {
  try {
    return (await pool.query<Row>(sql, [...params])).rows;
  } catch (thrown) {
    throw toUnavailable(thrown);
  }
}

/**
 * As `query`, planned once on each connection: for what is asked for with every message, where planning costs more than the work itself.
 * @param name the statement's own
 */
export async function prepared<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  { name, sql }: { readonly name: string; readonly sql: string },
  params: readonly unknown[],
): Promise<Row[]> {
  try {
    return (await pool.query<Row>({ name, text: sql, values: [...params] })).rows;
  } catch (thrown) {
    throw toUnavailable(thrown);
  }
}
