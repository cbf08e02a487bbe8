import type pg from "pg";
import { type Job, jobId, type Sweepable } from "../../core/stores.ts";
import { query } from "./query.ts";
import { ALIVE_SESSIONS } from "./session.ts";

/** Which table waits in a queue, and what its states are called. */
interface SweepTable {
  readonly table: "runs" | "deliveries";
  readonly id: "run_id" | "delivery_id";
  /** Waiting for a worker. */
  readonly open: string;
  /** Claimed by one. */
  readonly claimed: string;
  /** SQL that is also to be done when a row is taken over from a dead process. */
  readonly on_take_over: string;
}

/** A row that a job is made of. */
export interface JobRow {
  readonly id: string;
  readonly generation: number;
  readonly delay_ms: number;
}

/** How long after it was queued a row is looked at by the sweeper for the first time, and how long between looks. */
const FIRST_LOOK = "interval '5 seconds'";
const NEXT_LOOK = "interval '30 seconds'";

/** SQL: when the sweeper is to look at a row whose time is `due`. */
export function firstLook(due: string): string {
  return `${due} + ${FIRST_LOOK}`;
}

/** SQL: how long until a row is due, in milliseconds. */
export const DELAY_MS = "floor(greatest(0, extract(epoch FROM due_at - now()) * 1000))::float8 AS delay_ms";

/** The job of a row's generation. */
export function toJob({ id, generation, delay_ms }: JobRow): Job {
  return { id, job_id: jobId(id, generation), delay_ms };
}

/** How the sweeper sees a table whose rows wait in a queue. */
export function createSweepable(pool: pg.Pool, { table, id, open, claimed, on_take_over }: SweepTable): Sweepable {
  const jobs = async (sql: string, params: readonly unknown[]) => (await query<JobRow>(pool, sql, params)).map(toJob);
  const returning = `RETURNING ${id} AS id, generation, ${DELAY_MS}`;
  return {
    takeOver: () =>
      jobs(
        `UPDATE ${table} SET status = '${open}', claimed_by = NULL, generation = generation + 1, due_at = now(), sweep_at = now() + ${NEXT_LOOK}${on_take_over}
         WHERE status = '${claimed}' AND claimed_by NOT IN (${ALIVE_SESSIONS}) ${returning}`,
        [],
      ),
    due: (limit, all) =>
      jobs(
        `UPDATE ${table} SET sweep_at = greatest(now() + ${NEXT_LOOK}, ${firstLook("due_at")}) WHERE ${id} IN (
           SELECT ${id} FROM ${table} WHERE status = '${open}' AND (sweep_at <= now() OR $2)
           ORDER BY sweep_at LIMIT $1 FOR UPDATE SKIP LOCKED) ${returning}`,
        [limit, all],
      ),
    requeue: (ids) =>
      jobs(`UPDATE ${table} SET generation = generation + 1 WHERE ${id} = ANY($1) AND status = '${open}' ${returning}`, [ids]),
  };
}
