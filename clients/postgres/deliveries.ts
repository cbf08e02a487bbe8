import type pg from "pg";
import type { NewDelivery } from "../../core/run.ts";
import type { ClaimedDelivery, DeliveryStore } from "../../core/stores.ts";
import { createHand } from "./hand.ts";
import { toJsonb } from "./json.ts";
import { query } from "./query.ts";
import type { Session } from "./session.ts";
import { createSweepable, DELAY_MS, firstLook, type JobRow, ORPHANED, toJob } from "./sweepable.ts";

/** A job may fire a little before its time by the database's clock; that is no reason to send it away. */
const DUE = "status = 'scheduled' AND due_at <= now() + interval '1 second'";

/**
 * Things to be said, on the table `deliveries`. `version` is what is to stand at the address, `sent_version` what does.
 * @param session this process's sign of life
 */
export function createDeliveryStore(pool: pg.Pool, session: Pick<Session, "id">): DeliveryStore {
  const hand = createHand();
  return {
    ...createSweepable(pool, {
      ...{ table: "deliveries", id: "delivery_id", open: "scheduled", claimed: "sending", on_take_over: "", session, hand },
      // As the partial index says it.
      only: "status IN ('scheduled', 'sending')",
    }),
    async insert(delivery) {
      return (await query<JobRow>(pool, INSERT, insertValues(delivery))).map((row) => ({ ...toJob(row), delay_ms: delivery.delay_ms }));
    },
    async locate(delivery_id) {
      const [row] = await query<{ platform: string; address: string }>(
        pool,
        `SELECT platform, address FROM deliveries WHERE delivery_id = $1 AND ${DUE}`,
        [delivery_id],
      );
      return row ?? null;
    },
    async claim(delivery_id) {
      // Before it is asked for: from when it is stored it must not be taken for one that nobody works on.
      hand.take(delivery_id);
      const [row] = await query<ClaimedDelivery>(
        pool,
        `UPDATE deliveries SET status = 'sending', claimed_by = $2, attempts = attempts + 1, sweep_at = ${ORPHANED} WHERE delivery_id = $1 AND ${DUE}
         RETURNING delivery_id, platform, address, message_id, reply, locale, zone, version, attempts, claimed_by, generation,
           (extract(epoch FROM now() - created_at) * 1000)::float8 AS age_ms`,
        [delivery_id, session.id()],
      );
      return row ?? null;
    },
    async sent({ delivery_id, claimed_by, generation, version }, message_id) {
      return (await query<JobRow & { status: string }>(pool, SENT, [delivery_id, claimed_by, message_id, version, generation]))
        .filter((row) => row.status === "scheduled")
        .map(toJob);
    },
    async postpone({ delivery_id, claimed_by, generation }, delay_ms, error) {
      const rows = await query<JobRow>(pool, POSTPONE, [delivery_id, claimed_by, delay_ms, toJsonb(error), generation]);
      return rows.map((row) => ({ ...toJob(row), delay_ms }));
    },
    async fail({ delivery_id, claimed_by, generation, version }, status, error) {
      const rows = await query<JobRow & { status: string }>(
        pool,
        `UPDATE deliveries SET status = CASE WHEN version > $5 THEN 'scheduled' ELSE $3 END, claimed_by = NULL, error = $4,
           generation = generation + 1, due_at = now(), sweep_at = ${firstLook("now()")}
         WHERE delivery_id = $1 AND claimed_by = $2 AND generation = $6 RETURNING delivery_id AS id, generation, status, 0 AS delay_ms`,
        [delivery_id, claimed_by, status, toJsonb(error), version, generation],
      );
      return rows.filter((row) => row.status === "scheduled").map(toJob);
    },
    letGo: hand.letGo,
  };
}

const INSERT = `
  INSERT INTO deliveries (delivery_id, request_id, run_id, platform, address, message_id, reply, locale, zone, due_at, sweep_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7::json, $8, $9, now() + $10::float8 * interval '1 millisecond', ${firstLook("now() + $10::float8 * interval '1 millisecond'")})
  ON CONFLICT DO NOTHING RETURNING delivery_id AS id, generation, ${DELAY_MS}`;

const STILL_OURS = "(claimed_by IS NOT DISTINCT FROM $2::int AND generation = $5)";

// The message's id is kept even when the claim was lost meanwhile: whoever took over then edits instead of sending again.
const SENT = `
  UPDATE deliveries SET message_id = $3, sent_version = greatest(sent_version, $4), sent_at = now(), attempts = 0, error = NULL, due_at = now(),
    claimed_by = CASE WHEN ${STILL_OURS} THEN NULL ELSE claimed_by END,
    status = CASE WHEN NOT ${STILL_OURS} THEN status WHEN version > $4 THEN 'scheduled' ELSE 'sent' END,
    generation = generation + CASE WHEN ${STILL_OURS} AND version > $4 THEN 1 ELSE 0 END, sweep_at = ${firstLook("now()")}
  WHERE delivery_id = $1 AND (${STILL_OURS} OR message_id IS NULL) RETURNING delivery_id AS id, generation, status, 0 AS delay_ms`;

const POSTPONE = `
  UPDATE deliveries SET status = 'scheduled', claimed_by = NULL, generation = generation + 1, error = $4,
    due_at = now() + $3::float8 * interval '1 millisecond', sweep_at = ${firstLook("now() + $3::float8 * interval '1 millisecond'")}
  WHERE delivery_id = $1 AND claimed_by = $2 AND generation = $5 RETURNING delivery_id AS id, generation, ${DELAY_MS}`;

function insertValues({ delivery_id, request_id, run_id, reply_to, reply, locale, zone, delay_ms }: NewDelivery): unknown[] {
  const { platform, address, message_id } = reply_to;
  return [delivery_id, request_id, run_id, platform, address, message_id ?? null, JSON.stringify(reply), locale, zone, delay_ms];
}
