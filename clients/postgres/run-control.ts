import type pg from "pg";
import { type RunEnd, wordsOf } from "../../core/run.ts";
import type { RunStopper } from "../../core/stores.ts";
import { toJsonb } from "./json.ts";
import { query } from "./query.ts";
import { type RunRow, toView } from "./run-reader.ts";
import { DELAY_MS, firstLook, toJob } from "./sweepable.ts";
import { WITHDRAWABLE, WITHDRAWN } from "./withdrawn.ts";

/**
 * One statement, so that a claim at the same moment comes before it or after it: a run that waits ends here, one at work keeps its claim and
 * bears the wish. Whoever wished first is remembered. What a run that waits was to say to somebody is taken back with it: where that came in
 * time, nothing was done.
 */
const CANCEL = `
  WITH target AS (SELECT run_id AS id, status AS was, started_at IS NULL AS unbegun FROM runs WHERE run_id = $1 AND finished_at IS NULL FOR UPDATE),
  words AS (
    UPDATE deliveries SET ${WITHDRAWN} FROM target WHERE was = 'accepted' AND delivery_id = $9 AND ${WITHDRAWABLE} RETURNING deliveries.status AS fate),
  wish AS (SELECT id, unbegun OR EXISTS (SELECT FROM words WHERE fate = 'cancelled') AS untouched FROM target),
  run AS (
    UPDATE runs SET cancel_requested_at = coalesce(cancel_requested_at, now()), cancelled_by = coalesce(cancelled_by, $2),
      status = CASE WHEN status <> 'accepted' THEN status WHEN untouched THEN $3 ELSE $4 END,
      error = CASE WHEN status <> 'accepted' THEN error WHEN untouched THEN $5::jsonb ELSE $6::jsonb END,
      finished_at = CASE WHEN status = 'accepted' THEN now() END
    FROM wish WHERE run_id = id AND finished_at IS NULL RETURNING runs.*, untouched),
  delivery AS (
    UPDATE deliveries SET reply = CASE WHEN untouched THEN $7::json ELSE $8::json END, version = version + 1, sweep_at = ${firstLook("now()")},
      due_at = CASE WHEN error IS NULL THEN now() ELSE due_at END, generation = generation + CASE WHEN status = 'sending' THEN 0 ELSE 1 END,
      status = CASE WHEN status = 'sending' THEN status ELSE 'scheduled' END
    FROM (SELECT run_id AS ended, untouched FROM run WHERE finished_at IS NOT NULL) AS run
    WHERE run_id = ended RETURNING delivery_id AS id, generation, status, ${DELAY_MS})
  SELECT run.*, delivery.id AS job_of, delivery.generation AS job_generation, delivery.delay_ms, delivery.status AS job_status
  FROM run LEFT JOIN delivery ON true`;

interface CancelledRow extends RunRow {
  readonly job_of: string | null;
  readonly job_generation: number;
  readonly job_status: string;
  readonly delay_ms: number;
}

/** Stopping runs, on the table `runs`. */
export function createRunStopper(pool: pg.Pool): RunStopper {
  return {
    async stop(run_id, by, ends) {
      const words = (end: RunEnd) => JSON.stringify(end.reply);
      const error = (end: RunEnd) => end.error && toJsonb(end.error);
      const { untouched, begun } = ends;
      const states = [untouched.status, begun.status, error(untouched), error(begun)];
      const rows = await query<CancelledRow>(pool, CANCEL, [
        run_id,
        by,
        ...states,
        words(untouched),
        words(begun),
        wordsOf(run_id).delivery_id,
      ]);
      const [row] = rows;
      if (!row) return null;
      // One that is being sent comes back for the newer version by itself.
      const said = rows.filter(({ job_of, job_status }) => job_of !== null && job_status === "scheduled");
      const jobs = said.map(({ job_of, job_generation, delay_ms }) => toJob({ id: job_of ?? "", generation: job_generation, delay_ms }));
      return { run: toView(row), jobs };
    },
    async stopping(run_ids) {
      const wished = "SELECT run_id, cancelled_by FROM runs WHERE run_id = ANY($1) AND cancelled_by IS NOT NULL AND finished_at IS NULL";
      const rows = await query<{ run_id: string; cancelled_by: string }>(pool, wished, [run_ids]);
      return new Map(rows.map(({ run_id, cancelled_by }) => [run_id, cancelled_by]));
    },
    async stoppedBy(run_id) {
      const [row] = await query<{ cancelled_by: string | null }>(pool, "SELECT cancelled_by FROM runs WHERE run_id = $1", [run_id]);
      return row?.cancelled_by ?? null;
    },
  };
}
