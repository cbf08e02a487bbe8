import type pg from "pg";
import type { EventFilter, EventPosition, EventReceipt, FailedEvent, StoredEvent } from "../../core/events/ports.ts";
import type { EventTables } from "../../core/events/tables.ts";
import { withinDeadline } from "../deadline.ts";
import { countEvents } from "./event-counts.ts";
import { withoutNul } from "./json.ts";
import { query } from "./query.ts";

const at = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const ROW = `event_id, event, ${at("event_datetime")} AS event_datetime, order_id, currency, price::float8 AS price`;

const RECEIPT = `SELECT event_id, ${at("stored_at")} AS stored_at, NULL AS failed_at, NULL AS reason FROM events WHERE event_id = $1
  UNION ALL SELECT event_id, NULL, ${at("failed_at")}, reason FROM failed_events WHERE event_id = $1 LIMIT 1`;

const FAILED = `SELECT event_id, user_id, payload->>'event' AS event, reason, ${at("failed_at")} AS failed_at, attempts FROM failed_events`;

const FAILED_AFTER = "WHERE failed_at <= $2 AND (failed_at < $2 OR event_id > $3)";

/**
 * One statement, so that it is done or not, and so that what is deleted while it is tried again is not stored: both take the failed row's lock.
 */
const RESTORE = `WITH gone AS (DELETE FROM failed_events WHERE event_id = $1 RETURNING payload, payload->'parameters' AS parameters),
  put AS (INSERT INTO events (event_id, event, user_id, event_datetime, order_id, currency, price)
    SELECT payload->>'event_id', payload->>'event', payload->>'user_id', (payload->>'event_datetime')::timestamptz,
      parameters->>'order_id', parameters->>'currency', (parameters->>'price')::numeric
    FROM gone ON CONFLICT DO NOTHING RETURNING 1)
  SELECT (SELECT count(*)::int FROM gone) AS found, (SELECT count(*)::int FROM put) AS stored`;

const COUNT_OF = `SELECT (SELECT count(*)::int FROM events WHERE user_id = $1) AS stored,
  (SELECT count(*)::int FROM failed_events WHERE user_id = $1) AS failed`;

/** Where a page of a person's events begins. The first part is a range of the index; the second alone would be read row by row. */
const after = (moment: string, event_id: string) =>
  `event_datetime <= ${moment} AND (event_datetime < ${moment} OR event_id > ${event_id})`;

/** Goes on where the statement before ended: what that has deleted stands in the index for a while, and would be read again each time. */
const deleteSome = (from: string) => `WITH batch AS (SELECT event_id, event_datetime FROM events WHERE user_id = $1 ${from}
    ORDER BY event_datetime DESC, event_id LIMIT $2),
  gone AS (DELETE FROM events WHERE event_id IN (SELECT event_id FROM batch) RETURNING 1)
  SELECT (SELECT count(*)::int FROM gone) AS deleted, ${at("batch.event_datetime")} AS event_datetime, event_id
  FROM batch ORDER BY batch.event_datetime, event_id DESC LIMIT 1`;
const DELETE_FIRST = deleteSome("");
const DELETE_NEXT = deleteSome(`AND ${after("$3", "$4")}`);

/**
 * Reads events. What is asked all the time goes by an index whatever the table's statistics say.
 * @param often the pool for what is asked with every request (bin/app/storage.ts)
 */
export function createEventStore(pool: pg.Pool, often: pg.Pool): EventTables {
  return {
    async search(filter) {
      const { sql, params } = searching(filter);
      return (await withinDeadline("events", () => query<EventRow>(often, sql, params))).map(toStored);
    },
    async receipt(event_id) {
      const [row] = await withinDeadline("events", () => query<ReceiptRow>(often, RECEIPT, [event_id]));
      return row ? toReceipt(row) : null;
    },
    count: (counting) => countEvents(pool, counting),
    failed({ limit, after: from }) {
      const [sql, params] = from ? [`${FAILED} ${FAILED_AFTER}`, [limit, from.failed_at, from.event_id]] : [FAILED, [limit]];
      return query<FailedEvent>(pool, `${sql} ORDER BY failed_events.failed_at DESC, event_id LIMIT $1`, params);
    },
    async failedTotal() {
      return (await query<{ total: number }>(pool, "SELECT count(*)::int AS total FROM failed_events"))[0]?.total ?? 0;
    },
    async failedIds(limit) {
      const sql = "SELECT event_id FROM failed_events ORDER BY failed_at, event_id LIMIT $1";
      return (await query<{ event_id: string }>(pool, sql, [limit])).map(({ event_id }) => event_id);
    },
    async restore(event_id) {
      const [row] = await query<{ found: number; stored: number }>(pool, RESTORE, [event_id]);
      if (!row?.found) return null;
      return row.stored === 1 ? "stored" : "duplicate";
    },
    async refail(event_id, reason) {
      const sql = "UPDATE failed_events SET reason = $2, attempts = attempts + 1, failed_at = now() WHERE event_id = $1";
      await query(pool, sql, [event_id, withoutNul(reason)]);
    },
    async countOf(user_id) {
      const [row] = await query<{ stored: number; failed: number }>(pool, COUNT_OF, [user_id]);
      return { stored: row?.stored ?? 0, failed: row?.failed ?? 0 };
    },
    async deleteOf(user_id, limit, from) {
      const [sql, params] = from ? [DELETE_NEXT, [from.event_datetime, from.event_id]] : [DELETE_FIRST, []];
      const [row] = await query<{ deleted: number } & EventPosition>(pool, sql, [user_id, limit, ...params]);
      if (!row) return { deleted: 0, last: null };
      const { deleted, event_datetime, event_id } = row;
      return { deleted, last: { event_datetime, event_id } };
    },
    async deleteFailedOf(user_id) {
      return (await query(pool, "DELETE FROM failed_events WHERE user_id = $1 RETURNING 1", [user_id])).length;
    },
  };
}

/** The statement for a filter; of each form of a filter there is one, so there are few. */
function searching({ user_id, event, since, after: from, limit }: EventFilter): {
  readonly sql: string;
  readonly params: readonly unknown[];
} {
  const params: unknown[] = [user_id, limit];
  const given = (value: unknown) => `$${params.push(value)}`;
  const wanted = ["user_id = $1"];
  if (event !== undefined) wanted.push(`event = ${given(event)}`);
  if (since !== undefined) wanted.push(`event_datetime >= ${given(since)}`);
  if (from) wanted.push(after(given(from.event_datetime), given(from.event_id)));
  return { sql: `SELECT ${ROW} FROM events WHERE ${wanted.join(" AND ")} ORDER BY events.event_datetime DESC, event_id LIMIT $2`, params };
}

interface EventRow {
  readonly event_id: string;
  readonly event: string;
  readonly event_datetime: string;
  readonly order_id: string | null;
  readonly currency: string | null;
  readonly price: number | null;
}

function toStored({ event_id, event, event_datetime, order_id, currency, price }: EventRow): StoredEvent {
  const parameters = order_id === null || currency === null || price === null ? null : { order_id, currency, price };
  return { event_id, event, event_datetime, parameters };
}

interface ReceiptRow {
  readonly event_id: string;
  readonly stored_at: string | null;
  readonly failed_at: string | null;
  readonly reason: string | null;
}

function toReceipt({ event_id, stored_at, failed_at, reason }: ReceiptRow): EventReceipt {
  if (stored_at !== null) return { event_id, status: "stored", stored_at };
  return { event_id, status: "failed", failed_at: failed_at ?? "", reason: reason ?? "" };
}
