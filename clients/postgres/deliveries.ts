import type pg from "pg";
import type { Backlog, ClaimedDelivery, DeliveryStore, Job } from "../../core/stores.ts";
import { createBatches } from "../batches.ts";
import { createDeliveryClaims } from "./delivery-claims.ts";
import { columnsOf, type DeliveryJobRow, insertDeliveries, JOB_COLUMNS, saidFrom, toDeliveryJobs, toRecord } from "./delivery-row.ts";
import { createHand } from "./hand.ts";
import { toJsonb, withoutNul } from "./json.ts";
import { moveAddress } from "./moved-addresses.ts";
import { query } from "./query.ts";
import type { Session } from "./session.ts";
import { createSweepable, DELAY_MS, firstLook } from "./sweepable.ts";
import { endOfTries } from "./withdrawn.ts";

/**
 * Things to be said, on the table `deliveries`. `version` is what is to stand at the address, `sent_version` what does.
 * @param session this process's sign of life
 * @param often the pool for what is asked with every message
 */
export function createDeliveryStore(pool: pg.Pool, session: Pick<Session, "id">, often: pg.Pool = pool): DeliveryStore {
  const hand = createHand();
  const sent = createBatches((gone: readonly Gone[]) => storeSent(often, gone));
  const jobs = async (sql: string, values: readonly unknown[]) => toDeliveryJobs(await query<DeliveryJobRow>(pool, sql, values));
  return {
    ...createSweepable(pool, {
      ...{ table: "deliveries", id: "delivery_id", open: "scheduled", claimed: "sending", on_take_over: "", session, hand },
      taken_over: "CASE WHEN withdrawn_at IS NULL THEN 'scheduled' ELSE 'unknown' END",
      // As the partial index says it.
      only: "status IN ('scheduled', 'sending')",
    }),
    ...createDeliveryClaims(often, session, hand),
    insert: async (delivery) =>
      (await jobs(INSERT, [toJsonb([toRecord(delivery)])])).map((job) => ({ ...job, delay_ms: delivery.delay_ms })),
    sent: ({ delivery_id, claimed_by, generation, version, address }, message_id, moved_to) =>
      sent({ delivery_id, claimed_by, generation, version, address, message_id, moved_to }),
    postpone: async ({ delivery_id, claimed_by, generation }, delay_ms, error) =>
      (await jobs(POSTPONE, [delivery_id, claimed_by, delay_ms, toJsonb(error), generation])).map((job) => ({
        ...job,
        delay_ms,
      })),
    fail: ({ delivery_id, claimed_by, generation, version }, status, error) =>
      jobs(FAIL, [delivery_id, claimed_by, status, toJsonb(error), version, generation]),
    turnPage: ({ delivery_id, platform, address, page }) => jobs(TURN_PAGE, [withoutNul(delivery_id), platform, withoutNul(address), page]),
    move: (move) => moveAddress(pool, move),
    backlog: () => query<Backlog>(pool, BACKLOG),
  };
}

const INSERT = `${insertDeliveries(saidFrom("$1"))} RETURNING ${JOB_COLUMNS}, ${DELAY_MS}`;

const STILL_OURS = "(row.claimed_by IS NOT DISTINCT FROM gone.claimed_by AND row.generation = gone.generation)";

// The message's id is kept even when the claim was lost meanwhile: whoever took over then edits instead of sending again. Where the chat has
// moved meanwhile, it is that of a message in the old one.
// $1 are the messages, $2 their ids. They are locked in the order in which claims and ends lock them.
const SENT = `
  WITH held AS MATERIALIZED (
    SELECT delivery_id FROM deliveries WHERE delivery_id = ANY($2::text[]) ORDER BY platform, address, seq FOR UPDATE)
  UPDATE deliveries AS row SET
    message_id = CASE WHEN row.address = gone.address OR gone.moved_to IS NOT NULL THEN gone.message_id END,
    address = coalesce(gone.moved_to, row.address), sent_version = greatest(sent_version, gone.version), sent_at = now(),
    attempts = 0, error = NULL, first_failed_at = NULL, due_at = now(),
    claimed_by = CASE WHEN ${STILL_OURS} THEN NULL ELSE row.claimed_by END,
    status = CASE WHEN NOT ${STILL_OURS} THEN status WHEN row.version > gone.version THEN 'scheduled' ELSE 'sent' END,
    generation = row.generation + CASE WHEN ${STILL_OURS} AND row.version > gone.version THEN 1 ELSE 0 END, sweep_at = ${firstLook("now()")}
  FROM json_to_recordset($1::json)
    AS gone(delivery_id text, claimed_by int, generation int, version int, address text, message_id text, moved_to text), held
  WHERE row.delivery_id = held.delivery_id AND row.delivery_id = gone.delivery_id AND (${STILL_OURS} OR row.message_id IS NULL)
  RETURNING ${columnsOf("row")}, 0 AS delay_ms`;

/** A message that has gone out: whose claim it was, and as what it stands there. */
type Gone = Pick<ClaimedDelivery, "delivery_id" | "claimed_by" | "generation" | "version" | "address"> & {
  readonly message_id: string;
  readonly moved_to: string | undefined;
};

/** Stores what has gone out. @returns of each the jobs for what is newer */
async function storeSent(pool: pg.Pool, gone: readonly Gone[]): Promise<(readonly Job[])[]> {
  const rows = await query<DeliveryJobRow>(pool, SENT, [toJsonb(gone), gone.map(({ delivery_id }) => delivery_id)]);
  return gone.map(({ delivery_id }) => toDeliveryJobs(rows.filter(({ id }) => id === delivery_id)));
}

const POSTPONE = `
  UPDATE deliveries SET claimed_by = NULL, generation = generation + 1, error = $4,
    status = CASE WHEN withdrawn_at IS NULL THEN 'scheduled' ELSE ${endOfTries("$4::jsonb")} END, first_failed_at = coalesce(first_failed_at, now()),
    due_at = now() + $3::float8 * interval '1 millisecond', sweep_at = ${firstLook("now() + $3::float8 * interval '1 millisecond'")}
  WHERE delivery_id = $1 AND claimed_by = $2 AND generation = $5 RETURNING ${JOB_COLUMNS}, ${DELAY_MS}`;

const FAIL = `
  UPDATE deliveries SET status = CASE WHEN version > $5 THEN 'scheduled' ELSE $3 END, claimed_by = NULL, error = $4, first_failed_at = NULL,
    generation = generation + 1, due_at = now(), sweep_at = ${firstLook("now()")}
  WHERE delivery_id = $1 AND claimed_by = $2 AND generation = $6 RETURNING ${JOB_COLUMNS}, 0 AS delay_ms`;

const TURN_PAGE = `
  UPDATE deliveries SET page = $4, version = version + 1, turned_at = now(), attempts = 0, sweep_at = ${firstLook("now()")},
    -- What the platform has put off stays put off.
    due_at = CASE WHEN status = 'scheduled' AND error IS NOT NULL THEN due_at ELSE now() END,
    generation = generation + CASE WHEN status = 'sending' THEN 0 ELSE 1 END,
    status = CASE WHEN status = 'sending' THEN status ELSE 'scheduled' END
  WHERE delivery_id = $1 AND platform = $2 AND address = $3 AND message_id IS NOT NULL AND page <> $4
    AND created_at > now() - interval '90 days'
  RETURNING ${JOB_COLUMNS}, ${DELAY_MS}`;

const BACKLOG = `
  SELECT lane, state, count(*)::int AS count, greatest(0, extract(epoch FROM now() - min(due_at)))::float8 AS oldest_s
  FROM (
    SELECT lane, due_at, CASE WHEN status = 'sending' THEN status WHEN due_at <= now() THEN 'due' ELSE 'later' END AS state
    FROM deliveries WHERE status IN ('scheduled', 'sending')) AS open
  GROUP BY lane, state`;
