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
