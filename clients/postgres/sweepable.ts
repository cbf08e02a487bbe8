import type pg from "pg";
import { type Job, jobId, type Sweepable } from "../../core/stores.ts";
import type { Hand } from "./hand.ts";
import { query } from "./query.ts";
import { ALIVE_SESSIONS, type Session } from "./session.ts";

/** Which table waits in a queue, and what its states are called. */
interface SweepTable {
  readonly table: "runs" | "deliveries";
  readonly id: "run_id" | "delivery_id";
  /** Waiting for a worker. */
  readonly open: string;
  /** Claimed by one. */
  readonly claimed: string;
  /** SQL that holds for every open or claimed row, so that the partial index is used. */
  readonly only: string;
  /** SQL of the state that a row gets when it is taken over from a dead process; by default it is open. */
  readonly taken_over?: string;
  /** SQL that is also to be done when a row is taken over from a dead process. */
  readonly on_take_over: string;
  /** This process's sign of life. */
  readonly session: Pick<Session, "id">;
  /** Rows this process works on. */
  readonly hand: Hand;
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

/**
 * SQL: from when a claim of a living process is looked at: by then its answer has arrived or never will (a statement is given 30 s), so the row
 * is in its process's hand, or nobody works on it.
 */
export const ORPHANED = "now() + interval '60 seconds'";

/** SQL: how long until a row is due, in milliseconds. */
export const DELAY_MS = "floor(greatest(0, extract(epoch FROM due_at - now()) * 1000))::float8 AS delay_ms";

/** The job of a row's generation. */
export function toJob({ id, generation, delay_ms }: JobRow): Job {
  return { id, job_id: jobId(id, generation), delay_ms };
}

/** How the sweeper sees a table whose rows wait in a queue. */
export function createSweepable(pool: pg.Pool, sweep: SweepTable): Sweepable {
  const { table, id, open, claimed, only, on_take_over, session, hand, taken_over = `'${open}'` } = sweep;
  const jobs = async (sql: string, params: readonly unknown[]) => (await query<JobRow>(pool, sql, params)).map(toJob);
  const returning = `RETURNING ${id} AS id, generation, ${DELAY_MS}`;
  return {
    takeOver: async () =>
      jobs(
        `UPDATE ${table} SET status = ${taken_over}, claimed_by = NULL, generation = generation + 1, due_at = now(), sweep_at = now() + ${NEXT_LOOK}${on_take_over}
         WHERE status = '${claimed}' AND ${only}
           AND (claimed_by NOT IN (${ALIVE_SESSIONS}) OR (claimed_by = $1 AND sweep_at <= now() AND ${id} <> ALL($2))) ${returning}`,
        [session.id(), hand.ids()],
      ),
    due: (limit, all) =>
      jobs(
        `UPDATE ${table} SET sweep_at = greatest(now() + ${NEXT_LOOK}, ${firstLook("due_at")}) WHERE ${id} IN (
           SELECT ${id} FROM ${table} WHERE status = '${open}' AND ${only} AND (sweep_at <= now() OR $2)
           ORDER BY sweep_at LIMIT $1 FOR UPDATE SKIP LOCKED) ${returning}`,
        [limit, all],
      ),
    requeue: (ids) =>
      jobs(`UPDATE ${table} SET generation = generation + 1 WHERE ${id} = ANY($1) AND status = '${open}' ${returning}`, [ids]),
  };
}
