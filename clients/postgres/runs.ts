import type pg from "pg";
import { OpsError } from "../../core/errors.ts";
import type { NewDelivery, NewRun } from "../../core/run.ts";
import { type Job, jobId, type RunStore } from "../../core/stores.ts";
import { insertDelivery, toInsertValues } from "./delivery-row.ts";
import { createHand } from "./hand.ts";
import { toJsonb } from "./json.ts";
import { query } from "./query.ts";
import { createRunClaims } from "./run-claims.ts";
import { createRunStopper } from "./run-control.ts";
import { createRunReader, type RunRow, toView } from "./run-reader.ts";
import type { Session } from "./session.ts";
import { createSweepable, firstLook, ORPHANED } from "./sweepable.ts";

const INSERT = `
  WITH run AS (
    INSERT INTO runs (run_id, request_id, command, input, person_id, identity, locale, zone, status, claimed_by, started_at, attempts, dedupe_key, sweep_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text, $10::int, CASE WHEN $10::int IS NOT NULL THEN now() END,
            CASE WHEN $10::int IS NOT NULL THEN 1 ELSE 0 END, $11, CASE WHEN $10::int IS NOT NULL THEN ${ORPHANED} ELSE ${firstLook("now()")} END)
    ON CONFLICT DO NOTHING RETURNING *),
  delivery AS (${insertDelivery(12, "run")})
  SELECT * FROM run`;

/**
 * Runs, on the table `runs`. Whatever changes a claimed run asks for the claim again, so that a process that was taken for dead changes nothing.
 * @param session this process's sign of life
 */
export function createRunStore(pool: pg.Pool, session: Pick<Session, "id">): RunStore {
  const hand = createHand();
  return {
    ...createRunReader(pool),
    ...createRunClaims(pool, session, hand),
    ...createRunStopper(pool),
    ...createSweepable(pool, {
      ...{ table: "runs", id: "run_id", open: "accepted", claimed: "running", session, hand },
      // As the partial index says it.
      only: "finished_at IS NULL",
      // The try that died is not counted, but takeovers are: a run that kills its worker must end some day.
      on_take_over: ", attempts = greatest(attempts - 1, 0), takeovers = takeovers + 1",
    }),
    async insert(run, { delivery, claim }) {
      const claimed_by = claim ? session.id() : null;
      if (claim) hand.take(run.run_id);
      const values = [run.run_id, run.request_id, run.command, toJsonb(run.input), run.person_id, run.identity, run.locale, run.zone];
      const state = [claim ? "running" : "accepted", claimed_by];
      const all = [...values, ...state, run.dedupe_key ?? null, ...toInsertValues(delivery)];
      const { row, fresh } = await insertOrFind(pool, run, all);
      if (!fresh) return { run: toView(row), fresh: false, claim: null, jobs: [] };
      const held = claimed_by === null ? null : { run_id: run.run_id, claimed_by, generation: row.generation };
      return { run: toView(row), fresh: true, claim: held, jobs: firstJobs(delivery) };
    },
    async countOpen(person_id) {
      const [row] = await query<{ open: number }>(
        pool,
        "SELECT count(*)::int AS open FROM runs WHERE person_id = $1 AND finished_at IS NULL",
        [person_id],
      );
      return row?.open ?? 0;
    },
    async findOpen(dedupe_key) {
      const [row] = await query<RunRow>(pool, "SELECT * FROM runs WHERE dedupe_key = $1 AND finished_at IS NULL", [dedupe_key]);
      return row ? toView(row) : null;
    },
  };
}

/** How often it is tried anew: each time the run to be joined has ended between two statements. */
const MAX_JOINS = 5;

/** Stores a run, or finds the one that is there already: its own, or an open one of its `dedupe_key`. */
async function insertOrFind(pool: pg.Pool, run: NewRun, values: unknown[]): Promise<{ readonly row: RunRow; readonly fresh: boolean }> {
  for (let attempt = 1; attempt <= MAX_JOINS; attempt++) {
    const [fresh] = await query<RunRow>(pool, INSERT, values);
    if (fresh) return { row: fresh, fresh: true };
    const found = await existing(pool, run);
    if (found) return { row: found, fresh: false };
  }
  throw new OpsError("unavailable", `the run that ${run.run_id} was to join ended each time`);
}

/**
 * The run that is there already; null when the open one has ended meanwhile.
 * @throws OpsError `internal` when it is another request's: two hashes were the same
 */
async function existing(pool: pg.Pool, { run_id, request_id, dedupe_key }: NewRun): Promise<RunRow | null> {
  const rows = await query<RunRow>(
    pool,
    `SELECT * FROM runs WHERE run_id = $1 OR request_id = $2
     UNION SELECT * FROM runs WHERE dedupe_key = $3 AND finished_at IS NULL`,
    [run_id, request_id, dedupe_key ?? null],
  );
  const own = rows.find((row) => row.request_id === request_id);
  if (own) return own;
  if (rows.some((row) => row.run_id === run_id)) throw new OpsError("internal", `run id ${run_id} is taken by another request`);
  if (rows[0] || dedupe_key !== undefined) return rows[0] ?? null;
  throw new OpsError("internal", `run ${run_id} is neither new nor there`);
}

function firstJobs(delivery: NewDelivery | null): readonly Job[] {
  if (!delivery) return [];
  const { delivery_id, delay_ms, reply_to, lane, caused_by } = delivery;
  const { platform, address } = reply_to;
  return [{ id: delivery_id, job_id: jobId(delivery_id, 0), delay_ms, to: { platform, address, lane, caused_by } }];
}
