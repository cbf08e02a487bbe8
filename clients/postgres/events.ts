import type pg from "pg";

import type { CollectedEvent } from "../../core/events/event.ts";
import type { EventCount, EventCounting, EventFilter, EventReceipt, FailedEvent, StoredEvent } from "../../core/events/ports.ts";
import { countEvents } from "./event-counts.ts";
import { query } from "./query.ts";

/** Reading events, and what is done to them afterwards. */
export interface EventStore {
  search(filter: EventFilter): Promise<readonly StoredEvent[]>;
  /** Of one that is stored, or failed; null for any other. */
  receipt(event_id: string): Promise<EventReceipt | null>;
  count(counting: EventCounting): Promise<readonly EventCount[]>;
  failed(options: { readonly limit: number; readonly before?: string }): Promise<readonly FailedEvent[]>;
  failedTotal(): Promise<number>;
  /** Failed events as they were collected, the oldest failure first. */
  failedPayloads(event_ids: readonly string[] | "all", limit: number): Promise<readonly CollectedEvent[]>;
  /** They are stored now. */
  unfail(event_ids: readonly string[]): Promise<void>;
  countOf(user_id: string): Promise<{ readonly stored: number; readonly failed: number }>;
  /** Deletes a person's, so many at a time. @returns how many; fewer than `limit` when none is left */
  deleteOf(user_id: string, limit: number): Promise<number>;
  deleteFailedOf(user_id: string): Promise<number>;
}

const at = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const ROW = `event_id, event, ${at("event_datetime")} AS event_datetime, order_id, currency, price::float8 AS price`;

const RECEIPT = `SELECT event_id, ${at("stored_at")} AS stored_at, NULL AS failed_at, NULL AS reason FROM events WHERE event_id = $1
  UNION ALL SELECT event_id, NULL, ${at("failed_at")}, reason FROM failed_events WHERE event_id = $1 LIMIT 1`;

const FAILED = `SELECT event_id, user_id, payload->>'event' AS event, reason, ${at("failed_at")} AS failed_at, attempts
  FROM failed_events WHERE ($2::timestamptz IS NULL OR failed_at < $2) ORDER BY failed_at DESC, event_id LIMIT $1`;

const COUNT_OF = `SELECT (SELECT count(*)::int FROM events WHERE user_id = $1) AS stored,
  (SELECT count(*)::int FROM failed_events WHERE user_id = $1) AS failed`;

const DELETE_OF = `WITH gone AS (DELETE FROM events WHERE event_id IN (SELECT event_id FROM events WHERE user_id = $1 LIMIT $2) RETURNING 1)
  SELECT count(*)::int AS deleted FROM gone`;

/**
 * Reads events. What is asked all the time goes by an index whatever the table's statistics say.
 * @param often the pool for what is asked with every request (bin/app/storage.ts)
 */
export function createEventStore(pool: pg.Pool, often: pg.Pool): EventStore {
  return {
    async search(filter) {
      const { sql, params } = searching(filter);
      return (await query<EventRow>(often, sql, params)).map(toStored);
    },
    async receipt(event_id) {
      const [row] = await query<ReceiptRow>(often, RECEIPT, [event_id]);
      return row ? toReceipt(row) : null;
    },
    count: (counting) => countEvents(pool, counting),
    failed: ({ limit, before }) => query<FailedEvent>(pool, FAILED, [limit, before ?? null]),
    async failedTotal() {
      return (await query<{ total: number }>(pool, "SELECT count(*)::int AS total FROM failed_events"))[0]?.total ?? 0;
    },
    async failedPayloads(event_ids, limit) {
      const which = event_ids === "all" ? "" : "WHERE event_id = ANY($2)";
      const params = event_ids === "all" ? [limit] : [limit, event_ids];
      const sql = `SELECT payload FROM failed_events ${which} ORDER BY failed_at, event_id LIMIT $1`;
      return (await query<{ payload: CollectedEvent }>(pool, sql, params)).map(({ payload }) => payload);
    },
    async unfail(event_ids) {
      await query(pool, "DELETE FROM failed_events WHERE event_id = ANY($1)", [event_ids]);
    },
    async countOf(user_id) {
      const [row] = await query<{ stored: number; failed: number }>(pool, COUNT_OF, [user_id]);
      return { stored: row?.stored ?? 0, failed: row?.failed ?? 0 };
    },
    async deleteOf(user_id, limit) {
      return (await query<{ deleted: number }>(pool, DELETE_OF, [user_id, limit]))[0]?.deleted ?? 0;
    },
    async deleteFailedOf(user_id) {
      return (await query(pool, "DELETE FROM failed_events WHERE user_id = $1 RETURNING 1", [user_id])).length;
    },
  };
}

/** The statement for a filter; of each form of a filter there is one, so there are few. */
function searching({ user_id, event, since, after, limit }: EventFilter): { readonly sql: string; readonly params: readonly unknown[] } {
  const params: unknown[] = [user_id, limit];
  const given = (value: unknown) => `$${params.push(value)}`;
  const wanted = ["user_id = $1"];
  if (event !== undefined) wanted.push(`event = ${given(event)}`);
  if (since !== undefined) wanted.push(`event_datetime >= ${given(since)}`);
  if (after) {
    const moment = given(after.event_datetime);
    // The first part is a range of the index; the second alone would be read row by row.
    wanted.push(`event_datetime <= ${moment} AND (event_datetime < ${moment} OR event_id > ${given(after.event_id)})`);
  }
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
