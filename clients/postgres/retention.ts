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

/** Deletes what is older than it is kept for. @returns how many rows */
export async function purge(pool: pg.Pool): Promise<number> {
  let total = 0;
  for (const { table, id, old } of RULES) {
    let deleted = BATCH;
    while (deleted === BATCH) {
      const [row] = await query<{ deleted: number }>(
        pool,
        `WITH gone AS (DELETE FROM ${table} WHERE ${id} IN (SELECT ${id} FROM ${table} WHERE ${old} LIMIT ${BATCH}) RETURNING 1) SELECT count(*)::int AS deleted FROM gone`,
      );
      deleted = row?.deleted ?? 0;
      total += deleted;
    }
  }
  return total;
}
