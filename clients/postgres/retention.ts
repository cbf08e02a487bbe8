import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { query } from "./query.ts";

/** How long things are kept (design, "The one idea"); the audit is kept for ever. */
const RULES = [
  { table: "inbox", id: "request_id", old: "done_at < now() - interval '7 days'" },
  { table: "runs", id: "run_id", old: "finished_at < now() - interval '90 days'" },
  { table: "deliveries", id: "delivery_id", old: "created_at < now() - interval '90 days' AND status NOT IN ('scheduled', 'sending')" },
  { table: "blocks", id: "block_id", old: "released_at < now() - interval '365 days'" },
  { table: "idempotency", id: "request_id", old: "created_at < now() - interval '24 hours'" },
] as const;
/** Rows deleted by one statement, so that no lock is held for long. */
const BATCH = 1_000;

/** What is kept for as long as a setting says, and when it is from. */
const EVENT_TABLES = [
  { table: "events", moment: "event_datetime" },
  { table: "failed_events", moment: "failed_at" },
] as const;
/** Pages of a table read by one statement: 1 MiB, some 7,000 events, which are deleted in a tenth of a second. */
const PAGES = 128;

/** How long events are kept, and what ends the deleting early. */
export interface PurgeOptions {
  /** Null: for ever. */
  readonly event_days: number | null;
  readonly signal: AbortSignal;
}

/**
 * Deletes what is older than it is kept for, in statements that take no longer than a second.
 * @returns how many rows; those deleted until then where the signal was aborted
 */
export async function purge(pool: pg.Pool, { event_days, signal }: PurgeOptions): Promise<number> {
  let total = 0;
  for (const { table, id, old } of RULES) {
    let deleted = BATCH;
    while (deleted === BATCH && !signal.aborted) {
      const [row] = await query<{ deleted: number }>(
        pool,
        `WITH gone AS (DELETE FROM ${table} WHERE ${id} IN (SELECT ${id} FROM ${table} WHERE ${old} LIMIT ${BATCH}) RETURNING 1) SELECT count(*)::int AS deleted FROM gone`,
      );
      deleted = row?.deleted ?? 0;
      total += deleted;
    }
  }
  if (event_days === null) return total;
  for (const each of EVENT_TABLES) total += await walk(pool, each, { event_days, signal });
  return total;
}

/**
 * Reads a table's pages once, from the first to the last, and deletes what is old in them: the cost is that of reading the table, however much is
 * deleted. What is asked for by time would be found by `events_time_idx` only until the pages of deleted rows are used again.
 */
async function walk(
  pool: pg.Pool,
  { table, moment }: (typeof EVENT_TABLES)[number],
  { event_days, signal }: { readonly event_days: number; readonly signal: AbortSignal },
): Promise<number> {
  const [at] = await query<{ pages: number; oldest: string }>(
    pool,
    `SELECT (pg_relation_size('${table}') / current_setting('block_size')::int)::float8 AS pages, (now() - make_interval(hours => $1))::text AS oldest`,
    [24 * event_days],
  );
  let total = 0;
  for (let page = 0; at && page < at.pages && !signal.aborted; page += PAGES) {
    const began = performance.now();
    const [row] = await query<{ deleted: number }>(pool, deleteIn(table, moment), [`(${page},0)`, `(${page + PAGES},0)`, at.oldest]);
    total += row?.deleted ?? 0;
    // Nobody waits for this: others have the disk and the processor for as long.
    await sleep(performance.now() - began, undefined, { signal }).catch(() => undefined);
  }
  return total;
}

/** The sum keeps indexes by time out of it: each statement would read through them all that is old. */
function deleteIn(table: string, moment: string): string {
  return `WITH gone AS (DELETE FROM ${table} WHERE ctid >= $1::tid AND ctid < $2::tid AND ${moment} + interval '0' < $3 RETURNING 1)
    SELECT count(*)::int AS deleted FROM gone`;
}
