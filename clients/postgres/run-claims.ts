import type pg from "pg";
import type { ClaimedRun, RunStore } from "../../core/stores.ts";
import { type DeliveryJobRow, JOB_COLUMNS, toDeliveryJobs } from "./delivery-row.ts";
import type { Hand } from "./hand.ts";
import { toJsonb } from "./json.ts";
import { query } from "./query.ts";
import { type RunRow, toView } from "./run-reader.ts";
import type { Session } from "./session.ts";
import { DELAY_MS, firstLook, type JobRow, ORPHANED, toJob } from "./sweepable.ts";

/** A job may fire a little before its time by the database's clock; that is no reason to send it away. */
const CLOCK_TOLERANCE = "interval '1 second'";

/** SQL: when a run that is given back is due. One that is to be stopped does not wait. */
const LATER = "now() + CASE WHEN cancelled_by IS NULL THEN $3::float8 ELSE 0 END * interval '1 millisecond'";

const FINISH = `
  WITH run AS (
    UPDATE runs SET status = $3, output = $4, error = $5, finished_at = now(), claimed_by = NULL
    WHERE run_id = $1 AND claimed_by = $2 AND generation = $7 AND status = 'running' RETURNING run_id),
  delivery AS (
    UPDATE deliveries SET reply = $6::json, page = 1, version = version + 1, sweep_at = ${firstLook("now()")},
      -- What the platform has put off stays put off; a "running" message that waits for its 300 ms does not.
      due_at = CASE WHEN error IS NULL THEN now() ELSE due_at END,
      generation = generation + CASE WHEN status = 'sending' THEN 0 ELSE 1 END,
      status = CASE WHEN status = 'sending' THEN status ELSE 'scheduled' END
    WHERE run_id IN (SELECT run_id FROM run) RETURNING ${JOB_COLUMNS}, ${DELAY_MS})
  SELECT run.run_id, delivery.* FROM run LEFT JOIN delivery ON true`;

/**
 * Claiming runs and letting go of them. Each change asks for that very claim again.
 * @param hand runs this process works on
 */
export function createRunClaims(
  pool: pg.Pool,
  session: Pick<Session, "id">,
  hand: Hand,
): Pick<RunStore, "claim" | "finish" | "postpone" | "letGo"> {
  return {
    async claim(run_id, early = false) {
      // Before it is asked for: from when it is stored it must not be taken for one that nobody works on.
      hand.take(run_id);
      const [row] = await query<RunRow>(
        pool,
        `UPDATE runs SET status = 'running', claimed_by = $2, attempts = attempts + 1, started_at = coalesce(started_at, now()), sweep_at = ${ORPHANED}
         WHERE run_id = $1 AND status = 'accepted' AND (due_at <= now() + ${CLOCK_TOLERANCE} OR $3) RETURNING *`,
        [run_id, session.id(), early],
      );
      return row ? toClaimed(row, session.id()) : null;
    },
    async finish({ run_id, claimed_by, generation }, end) {
      const { status, output, error, reply } = end;
      const rows = await query<DeliveryJobRow>(pool, FINISH, [
        ...[run_id, claimed_by, status],
        ...[output === null || output === undefined ? null : toJsonb(output), error && toJsonb(error), JSON.stringify(reply)],
        generation,
      ]);
      if (rows.length === 0) return null;
      // A run without a message has one row all the same, whose status is null.
      return toDeliveryJobs(rows);
    },
    async postpone({ run_id, claimed_by, generation }, delay_ms, counted = true) {
      const [row] = await query<JobRow & { readonly stops: boolean }>(
        pool,
        `UPDATE runs SET status = 'accepted', claimed_by = NULL, generation = generation + 1, due_at = ${LATER}, sweep_at = ${firstLook(LATER)},
           attempts = attempts - CASE WHEN $5::boolean THEN 0 ELSE 1 END
         WHERE run_id = $1 AND claimed_by = $2 AND generation = $4 AND status = 'running'
         RETURNING run_id AS id, generation, cancelled_by IS NOT NULL AS stops`,
        [run_id, claimed_by, delay_ms, generation, counted],
      );
      return row ? { ...toJob(row), delay_ms: row.stops ? 0 : delay_ms } : null;
    },
    letGo: hand.letGo,
  };
}

function toClaimed(row: RunRow, claimed_by: number): ClaimedRun {
  const { request_id, locale, zone, takeovers, generation, cancelled_by } = row;
  return { ...toView(row), request_id, locale, zone, takeovers, claimed_by, generation, cancelled_by };
}
