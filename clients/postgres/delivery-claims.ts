import type pg from "pg";
import type { ClaimedDelivery, DeliveryStore } from "../../core/stores.ts";
import { createBatches } from "../batches.ts";
import type { Hand } from "./hand.ts";
import { query } from "./query.ts";
import type { Session } from "./session.ts";
import { ORPHANED } from "./sweepable.ts";

/** A job may fire a little before its time by the database's clock; that is no reason to send its message away. */
const EARLY = "interval '1 second'";
/** How long the later messages of a chat wait for one that the platform fails on; then they overtake it. */
const HELD = "interval '30 seconds'";
/** When it is worth asking again for a chat in which another process is sending, in milliseconds. */
const BUSY_MS = 100;

// A claim whose answer was lost on its way to us (it is ours, but in nobody's hand) or that is a minute old holds nobody up. $1 are the messages,
// $2 is this process's session, $3 what is in its hands.
const SENDING = (row: string) =>
  `(${row}.status = 'sending' AND ${row}.sweep_at > now() AND NOT (${row}.claimed_by = $2 AND ${row}.delivery_id <> ALL($3)))`;
const TOO_FAST = (row: string) => `(${row}.error ->> 'code' = 'rate_limited' AND ${row}.due_at > now())`;
const FAILING = (row: string) => `(${row}.error IS NOT NULL AND ${row}.due_at > now() AND ${row}.first_failed_at > now() - ${HELD})`;
const DUE = (row: string, asked: string) =>
  `(${row}.due_at <= now() OR (${row}.delivery_id = ${asked} AND ${row}.due_at <= now() + ${EARLY}))`;
/** As the index of these rows says it. */
const HELD_ROW = "(held.status = 'sending' OR (held.status = 'scheduled' AND held.error IS NOT NULL))";

// The head of the chat is locked, whether it can be claimed or not: of two processes that ask at the same moment the second one finds that
// it is being sent, and gets nothing. What is claimed is the row as it stands then, not as it was when the statement began.
// A claim is not waited for until it is on disk: a server that loses it in a power cut has a row that is sent once more, as it would have been
// with the claim of a process that died. What was sent is waited for.
const CLAIM = `
  WITH asked AS MATERIALIZED (
    SELECT delivery_id, platform, address, set_config('synchronous_commit', 'off', true) FROM deliveries WHERE delivery_id = ANY($1)
    -- Processes that ask for the same chats at once lock them in the same order.
    ORDER BY platform, address),
  head AS MATERIALIZED (
    SELECT asked.delivery_id AS asked_id, first.delivery_id FROM asked, LATERAL (
      SELECT row.delivery_id FROM deliveries AS row
      WHERE row.platform = asked.platform AND row.address = asked.address AND row.status IN ('scheduled', 'sending')
        AND (${SENDING("row")} OR (row.status = 'scheduled' AND (${DUE("row", "asked.delivery_id")} OR ${FAILING("row")})))
        AND NOT EXISTS (
          SELECT FROM deliveries AS held WHERE held.platform = asked.platform AND held.address = asked.address
            AND ${HELD_ROW} AND (${SENDING("held")} OR ${TOO_FAST("held")}))
      ORDER BY row.lane DESC, row.seq LIMIT 1 FOR UPDATE OF row) AS first)
  UPDATE deliveries AS row SET status = 'sending', claimed_by = $2, attempts = attempts + 1, sweep_at = ${ORPHANED}
  FROM head WHERE row.delivery_id = head.delivery_id AND row.status = 'scheduled' AND ${DUE("row", "head.asked_id")}
  RETURNING asked_id, row.delivery_id, request_id, platform, address, lane, caused_by, message_id, reply, page, locale, zone, version, attempts, claimed_by,
    generation, (extract(epoch FROM now() - coalesce(turned_at, created_at)) * 1000)::float8 AS age_ms,
    coalesce(extract(epoch FROM now() - first_failed_at) * 1000, 0)::float8 AS failing_ms`;

const LOCATE = `
  SELECT row.platform, row.address, row.lane, row.caused_by, coalesce((
    SELECT max(CASE WHEN held.status = 'sending' THEN ${BUSY_MS} ELSE ceil(extract(epoch FROM
      CASE WHEN ${TOO_FAST("held")} THEN held.due_at ELSE least(held.due_at, held.first_failed_at + ${HELD}) END - now()) * 1000) END)
    FROM deliveries AS held WHERE held.platform = row.platform AND held.address = row.address AND ${HELD_ROW}
      AND (${SENDING("held")} OR ${TOO_FAST("held")} OR (${FAILING("held")} AND (held.lane > row.lane OR (held.lane = row.lane AND held.seq < row.seq))))
    ), 0)::float8 AS rest_ms
  FROM deliveries AS row WHERE row.delivery_id = $1 AND row.status = 'scheduled' AND ${DUE("row", "$1")}`;

/**
 * Looking at what is to be said, and claiming it.
 * @param hand messages this process works on
 */
export function createDeliveryClaims(
  pool: pg.Pool,
  session: Pick<Session, "id">,
  hand: Hand,
): Pick<DeliveryStore, "locate" | "claim" | "letGo"> {
  const claim = createBatches((delivery_ids: readonly string[]) => claimAll(pool, delivery_ids, [session.id(), hand.ids()]));
  return {
    async locate(delivery_id) {
      const [row] = await query<Exclude<Awaited<ReturnType<DeliveryStore["locate"]>>, null>>(pool, LOCATE, [
        delivery_id,
        session.id(),
        hand.ids(),
      ]);
      return row ?? null;
    },
    async claim(delivery_id) {
      const row = await claim(delivery_id);
      // Until a minute after the claim was stored nobody takes it for one that is not worked on, and by then its answer is here.
      if (row) hand.take(row.delivery_id);
      return row;
    },
    letGo: hand.letGo,
  };
}

/** Claims what is next in the chat of each of these messages, for whoever asked first in that chat. */
async function claimAll(
  pool: pg.Pool,
  delivery_ids: readonly string[],
  [me, in_hand]: readonly [number, readonly string[]],
): Promise<(ClaimedDelivery | null)[]> {
  const rows = await query<ClaimedDelivery & { readonly asked_id: string }>(pool, CLAIM, [delivery_ids, me, in_hand]);
  const claimed = new Map(rows.map(({ asked_id, ...row }) => [asked_id, row]));
  // Each claim is given to one of those who ask.
  return delivery_ids.map((id) => {
    const row = claimed.get(id) ?? null;
    claimed.delete(id);
    return row;
  });
}
