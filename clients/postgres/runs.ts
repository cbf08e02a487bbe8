import type pg from "pg";
import { OpsError } from "../../core/errors.ts";
import { tooManyRuns } from "../../core/policy/limit.ts";
import type { NewDelivery, NewRun } from "../../core/run.ts";
import { type Job, jobId, type RunStore } from "../../core/stores.ts";
import { createBatches } from "../batches.ts";
import { insertDeliveries, saidFrom, toRecord } from "./delivery-row.ts";
import { createHand } from "./hand.ts";
import { toJsonb } from "./json.ts";
import { query } from "./query.ts";
import { createRunClaims } from "./run-claims.ts";
import { createRunStopper } from "./run-control.ts";
import { createRunReader, type RunRow, toView } from "./run-reader.ts";
import type { Session } from "./session.ts";
import { createSweepable, firstLook, ORPHANED } from "./sweepable.ts";

/** $1 are the runs, $2 the messages of those that have one. A run is stored with its message, or neither is. */
const INSERT = `
  WITH run AS (
    INSERT INTO runs (run_id, request_id, command, input, person_id, identity, locale, zone, status, claimed_by, started_at, attempts, dedupe_key, sweep_at)
    SELECT run_id, request_id, command, input::jsonb, person_id, identity, locale, zone,
      CASE WHEN claimed_by IS NULL THEN 'accepted' ELSE 'running' END, claimed_by, CASE WHEN claimed_by IS NOT NULL THEN now() END,
      CASE WHEN claimed_by IS NULL THEN 0 ELSE 1 END, dedupe_key, CASE WHEN claimed_by IS NULL THEN ${firstLook("now()")} ELSE ${ORPHANED} END
    FROM json_to_recordset($1::json) AS given(run_id text, request_id text, command text, input text, person_id text, identity text, locale text,
      zone text, claimed_by int, dedupe_key text, open_max int)
    WHERE open_max IS NULL
      OR (SELECT count(*) FROM runs AS open WHERE open.person_id = given.person_id AND open.finished_at IS NULL) < open_max
    ON CONFLICT DO NOTHING RETURNING *),
  delivery AS (${insertDeliveries(`run JOIN ${saidFrom("$2")} ON said.owner = run.run_id`)})
  SELECT * FROM run`;

/** A run that is to be stored. */
interface Given {
  readonly run: NewRun;
  readonly delivery: NewDelivery | null;
  readonly claimed_by: number | null;
  readonly open_max: number | null;
}

/**
 * Runs, on the table `runs`. Whatever changes a claimed run asks for the claim again, so that a process that was taken for dead changes nothing.
 * @param session this process's sign of life
 * @param often the pool for what is asked with every run
 */
export function createRunStore(pool: pg.Pool, session: Pick<Session, "id">, often: pg.Pool = pool): RunStore {
  const hand = createHand();
  const insert = createBatches((given: readonly Given[]) => insertAll(often, given));
  return {
    ...createRunReader(pool),
    ...createRunClaims(often, session, hand),
    ...createRunStopper(pool),
    ...createSweepable(pool, {
      ...{ table: "runs", id: "run_id", open: "accepted", claimed: "running", session, hand },
      // As the partial index says it.
      only: "finished_at IS NULL",
      // The try that died is not counted, but takeovers are: a run that kills its worker must end some day.
      on_take_over: ", attempts = greatest(attempts - 1, 0), takeovers = takeovers + 1",
    }),
    async insert(run, { delivery, claim, open_max = null }) {
      const claimed_by = claim ? session.id() : null;
      if (claim) hand.take(run.run_id);
      const { row, fresh } = await insertOrFind(pool, { run, delivery, claimed_by, open_max }, insert);
      if (!fresh) return { run: toView(row), fresh: false, claim: null, jobs: [] };
      const held = claimed_by === null ? null : { run_id: run.run_id, claimed_by, generation: row.generation };
      return { run: toView(row), fresh: true, claim: held, jobs: firstJobs(delivery) };
    },
  };
}

/** How often it is tried anew: each time the run to be joined has ended between two statements. */
const MAX_JOINS = 5;

/** Stores runs. @returns of each its row; null where it was there already, joins another, or finds no room */
async function insertAll(pool: pg.Pool, given: readonly Given[]): Promise<(RunRow | null)[]> {
  const runs = given.map(({ run: { input, ...run }, claimed_by, open_max }) => ({ ...run, input: toJsonb(input), claimed_by, open_max }));
  const messages = given.flatMap(({ run, delivery }) => (delivery === null ? [] : { ...toRecord(delivery), owner: run.run_id }));
  const rows = await query<RunRow>(pool, INSERT, [toJsonb(runs), toJsonb(messages)]);
  const fresh = new Map(rows.map((row) => [row.run_id, row]));
  return given.map(({ run: { run_id } }) => {
    const row = fresh.get(run_id) ?? null;
    // Of the same run twice, the second finds it there.
    fresh.delete(run_id);
    return row;
  });
}

/** Stores a run, or finds the one that is there already: its own, or an open one of its `dedupe_key`. */
async function insertOrFind(
  pool: pg.Pool,
  given: Given,
  insert: (given: Given) => Promise<RunRow | null>,
): Promise<{ readonly row: RunRow; readonly fresh: boolean }> {
  const { run, open_max } = given;
  for (let attempt = 1; attempt <= MAX_JOINS; attempt++) {
    const fresh = await insert(given);
    if (fresh) return { row: fresh, fresh: true };
    const found = await existing(pool, run);
    if (found) return { row: found, fresh: false };
    if (open_max !== null && (await countOpen(pool, run.person_id)) >= open_max) throw tooManyRuns(run, open_max);
  }
  throw new OpsError("unavailable", `the run that ${run.run_id} was to join ended each time`);
}

async function countOpen(pool: pg.Pool, person_id: string): Promise<number> {
  const [row] = await query<{ open: number }>(pool, "SELECT count(*)::int AS open FROM runs WHERE person_id = $1 AND finished_at IS NULL", [
    person_id,
  ]);
  return row?.open ?? 0;
}

/**
 * The run that is there already; null when there is none: it found no room, or the open one has ended meanwhile.
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
  return rows[0] ?? null;
}

function firstJobs(delivery: NewDelivery | null): readonly Job[] {
  if (!delivery) return [];
  const { delivery_id, delay_ms, reply_to, lane, caused_by } = delivery;
  const { platform, address } = reply_to;
  return [{ id: delivery_id, job_id: jobId(delivery_id, 0), delay_ms, to: { platform, address, lane, caused_by } }];
}
