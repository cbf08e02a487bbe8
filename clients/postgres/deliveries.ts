import type pg from "pg";
import type { Backlog, DeliveryStore } from "../../core/stores.ts";
import { createDeliveryClaims } from "./delivery-claims.ts";
import { type DeliveryJobRow, insertDelivery, JOB_COLUMNS, toDeliveryJobs, toInsertValues } from "./delivery-row.ts";
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
 */
export function createDeliveryStore(pool: pg.Pool, session: Pick<Session, "id">): DeliveryStore {
  const hand = createHand();
  const jobs = async (sql: string, values: readonly unknown[]) => toDeliveryJobs(await query<DeliveryJobRow>(pool, sql, values));
  return {
    ...createSweepable(pool, {
      ...{ table: "deliveries", id: "delivery_id", open: "scheduled", claimed: "sending", on_take_over: "", session, hand },
      taken_over: "CASE WHEN withdrawn_at IS NULL THEN 'scheduled' ELSE 'unknown' END",
      // As the partial index says it.
      only: "status IN ('scheduled', 'sending')",
    }),
    ...createDeliveryClaims(pool, session, hand),
    insert: async (delivery) => (await jobs(INSERT, toInsertValues(delivery))).map((job) => ({ ...job, delay_ms: delivery.delay_ms })),
    sent: ({ delivery_id, claimed_by, generation, version, address }, message_id, moved_to) =>
      jobs(SENT, [delivery_id, claimed_by, message_id, version, generation, address, moved_to ?? null]),
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

const INSERT = `${insertDelivery(1, "(SELECT) AS one")} RETURNING ${JOB_COLUMNS}, ${DELAY_MS}`;

const STILL_OURS = "(claimed_by IS NOT DISTINCT FROM $2::int AND generation = $5)";

// The message's id is kept even when the claim was lost meanwhile: whoever took over then edits instead of sending again. Where the chat has
// moved meanwhile, it is that of a message in the old one.
const SENT = `
  UPDATE deliveries SET message_id = CASE WHEN address = $6 OR $7::text IS NOT NULL THEN $3 END, address = coalesce($7, address),
    sent_version = greatest(sent_version, $4), sent_at = now(), attempts = 0, error = NULL, first_failed_at = NULL, due_at = now(),
    claimed_by = CASE WHEN ${STILL_OURS} THEN NULL ELSE claimed_by END,
    status = CASE WHEN NOT ${STILL_OURS} THEN status WHEN version > $4 THEN 'scheduled' ELSE 'sent' END,
    generation = generation + CASE WHEN ${STILL_OURS} AND version > $4 THEN 1 ELSE 0 END, sweep_at = ${firstLook("now()")}
  WHERE delivery_id = $1 AND (${STILL_OURS} OR message_id IS NULL) RETURNING ${JOB_COLUMNS}, 0 AS delay_ms`;

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
