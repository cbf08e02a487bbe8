import { createHash } from "node:crypto";
import type pg from "pg";
import { toUnavailable } from "./pool.ts";

/** Names of statements, so that the server parses and plans each of them once a connection; planning costs more than most of them do. */
const names = new Map<string, string>();
/** Statements are written in the source, so there are few; whatever is put together at run time must not fill the server. */
const NAMES_MAX = 500;
const NAME_CHARS = 16;
/** Of two statements that lock the same rows in another order one is undone by the server; it is made again. */
const TRIES = 5;

/**
 * One statement on the pool.
 * @throws OpsError `unavailable` when the database cannot be reached; other database errors pass through
 */
export async function query<Row extends pg.QueryResultRow>(pool: pg.Pool, sql: string, params: readonly unknown[] = []): Promise<Row[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await run<Row>(pool, sql, [...params])).rows;
    } catch (thrown) {
      if (attempt === TRIES || !hasYielded(thrown)) throw toUnavailable(thrown);
    }
  }
}

/** One statement, as `query` makes it; errors are the driver's own. */
export async function run<Row extends pg.QueryResultRow>(pool: pg.Pool, text: string, values: unknown[]): Promise<pg.QueryResult<Row>> {
  const name = nameOf(text);
  if (name === undefined) return pool.query<Row>(text, values);
  try {
    return await pool.query<Row>({ name, text, values });
  } catch (thrown) {
    if (!isOutdated(thrown)) throw thrown;
    // A newer release has changed the table under us; what was planned does not fit any more, what is asked does.
    return pool.query<Row>(text, values);
  }
}

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= NAMES_MAX) return known;
  const name = createHash("sha256").update(text).digest("hex").slice(0, NAME_CHARS);
  names.set(text, name);
  return name;
}

/** "cached plan must not change result type" (plancache.c), ERRCODE_FEATURE_NOT_SUPPORTED. */
function isOutdated(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "0A000" && thrown.message.includes("cached plan");
}

/** deadlock_detected (https://www.postgresql.org/docs/15/errcodes-appendix.html): nothing of the statement was done. */
function hasYielded(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "40P01";
}
