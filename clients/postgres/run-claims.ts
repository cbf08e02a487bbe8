import type pg from "pg";
import type { RunEnd } from "../../core/run.ts";
import type { ClaimedRun, Job, RunClaim, RunStore } from "../../core/stores.ts";
import { createBatches } from "../batches.ts";
import { columnsOf, type DeliveryJobRow, toDeliveryJobs } from "./delivery-row.ts";
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

// Where rows are joined to what is asked for, their ids are given for themselves, too: else the server, which cannot know how few they are, may read
// the whole table to find them.

/** $1 are the runs, $2 is this process, $3 are the runs' ids. */
// It is not waited for until it is on disk: a server that loses it in a power cut has the run as it was, and whatever the run does is written after it.
const CLAIM = `
  WITH unawaited AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
  UPDATE runs SET status = 'running', claimed_by = $2, attempts = attempts + 1, started_at = coalesce(started_at, now()), sweep_at = ${ORPHANED}
  FROM json_to_recordset($1::json) AS asked(run_id text, early bool), unawaited
  WHERE runs.run_id = ANY($3::text[]) AND runs.run_id = asked.run_id AND status = 'accepted' AND (due_at <= now() + ${CLOCK_TOLERANCE} OR early) RETURNING runs.*`;

/** $1 are the runs, $2 their ids. Messages are locked in the order in which claims lock them. */
const FINISH = `
  WITH run AS (
    UPDATE runs SET status = ended.status, output = ended.output::jsonb, error = ended.error::jsonb, finished_at = now(), claimed_by = NULL
    FROM json_to_recordset($1::json)
      AS ended(run_id text, claimed_by int, generation int, status text, output text, error text, reply text)
    WHERE runs.run_id = ANY($2::text[]) AND runs.run_id = ended.run_id AND runs.claimed_by = ended.claimed_by
      AND runs.generation = ended.generation AND runs.status = 'running'
    RETURNING runs.run_id, runs.generation AS ended_generation, ended.reply),
  held AS MATERIALIZED (
    SELECT delivery_id, run.reply AS answer FROM run JOIN deliveries USING (run_id) ORDER BY platform, address, seq FOR UPDATE OF deliveries),
  delivery AS (
    UPDATE deliveries SET reply = held.answer::json, page = 1, version = version + 1, sweep_at = ${firstLook("now()")},
      -- What the platform has put off stays put off; a "running" message that waits for its 300 ms does not.
      due_at = CASE WHEN error IS NULL THEN now() ELSE due_at END,
      generation = generation + CASE WHEN status = 'sending' THEN 0 ELSE 1 END,
      status = CASE WHEN status = 'sending' THEN status ELSE 'scheduled' END
    FROM held WHERE deliveries.delivery_id = held.delivery_id RETURNING deliveries.run_id, ${columnsOf("deliveries")}, ${DELAY_MS})
  SELECT delivery.*, run.run_id AS ended_id, ended_generation FROM run LEFT JOIN delivery USING (run_id)`;

/** Of these runs those that this very claim has ended before: the answer to that was lost on its way to us. */
const ENDED_BEFORE = `
  SELECT run_id FROM runs JOIN unnest($1::text[], $2::int[], $3::text[]) AS ended(run_id, generation, status) USING (run_id, generation, status)
  WHERE finished_at IS NOT NULL`;

/** A run that has ended, as it is stored. */
interface Ended extends RunClaim {
  readonly status: RunEnd["status"];
  readonly output: string | null;
  readonly error: string | null;
  readonly reply: string;
}

/** So many characters of an output and a reply count for one more run; so a batch of ends stays below a few hundred thousand. */
const CHARS_A_RUN = 1_000;

/**
 * Claiming runs and letting go of them. Each change asks for that very claim again.
 * @param hand runs this process works on
 */
export function createRunClaims(
  pool: pg.Pool,
  session: Pick<Session, "id">,
  hand: Hand,
): Pick<RunStore, "claim" | "finish" | "postpone" | "letGo"> {
  const claim = createBatches((asked: readonly Asked[]) => claimAll(pool, session.id(), asked));
  const finish = createBatches((ended: readonly Ended[]) => finishAll(pool, ended), {
    weigh: ({ output, reply }) => 1 + ((output?.length ?? 0) + reply.length) / CHARS_A_RUN,
  });
  return {
    async claim(run_id, early = false) {
      // Before it is asked for: from when it is stored it must not be taken for one that nobody works on.
      hand.take(run_id);
      return claim({ run_id, early });
    },
    // What cannot be made JSON of is this caller's fault alone.
    finish: async ({ run_id, claimed_by, generation }, end) => finish({ run_id, claimed_by, generation, ...toStored(end) }),
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

/** A run that is to be worked on; `early`: also one that is not due yet. */
interface Asked {
  readonly run_id: string;
  readonly early: boolean;
}

async function claimAll(pool: pg.Pool, me: number, asked: readonly Asked[]): Promise<(ClaimedRun | null)[]> {
  const rows = await query<RunRow & { readonly claimed_by: number }>(pool, CLAIM, [toJsonb(asked), me, asked.map(({ run_id }) => run_id)]);
  const claimed = new Map(rows.map((row) => [row.run_id, toClaimed(row, row.claimed_by)]));
  return asked.map(({ run_id }) => {
    const run = claimed.get(run_id) ?? null;
    // Of two that ask for the same run one has it.
    claimed.delete(run_id);
    return run;
  });
}

function toStored({ status, output, error, reply }: RunEnd): Omit<Ended, keyof RunClaim> {
  const kept = output === null || output === undefined ? null : toJsonb(output);
  return { status, output: kept, error: error && toJsonb(error), reply: JSON.stringify(reply) };
}

/** Stores ends. @returns of each the jobs of its messages; null where the claim was lost */
async function finishAll(pool: pg.Pool, ended: readonly Ended[]): Promise<(readonly Job[] | null)[]> {
  const rows = await query<DeliveryJobRow & { readonly ended_id: string; readonly ended_generation: number }>(pool, FINISH, [
    toJsonb(ended),
    ended.map(({ run_id }) => run_id),
  ]);
  const own = ended.map(({ run_id, generation }) =>
    rows.filter(({ ended_id, ended_generation }) => ended_id === run_id && ended_generation === generation),
  );
  const missing = ended.filter((_, at) => own[at]?.length === 0);
  const before = missing.length > 0 ? await endedBefore(pool, missing) : new Set<string>();
  // A run without a message has one row all the same, whose status is null. The messages of what ended before are left to the sweeper.
  return ended.map(({ run_id }, at) => (own[at]?.length ? toDeliveryJobs(own[at]) : before.has(run_id) ? [] : null));
}

async function endedBefore(pool: pg.Pool, ended: readonly Ended[]): Promise<Set<string>> {
  const columns = [ended.map(({ run_id }) => run_id), ended.map(({ generation }) => generation), ended.map(({ status }) => status)];
  const rows = await query<{ run_id: string }>(pool, ENDED_BEFORE, columns);
  return new Set(rows.map(({ run_id }) => run_id));
}

function toClaimed(row: RunRow, claimed_by: number): ClaimedRun {
  const { request_id, locale, zone, takeovers, generation, cancelled_by } = row;
  return { ...toView(row), request_id, locale, zone, takeovers, claimed_by, generation, cancelled_by };
}
