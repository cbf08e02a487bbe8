import type { CollectedEvent } from "./event.ts";

/**
 * Events as they travel through the queue: by columns, so that they are written with one statement as they are. The columns are of one length.
 * A later release adds columns and reads those of an earlier one; what cannot be read so gets another `v`.
 */
export interface EventBatch {
  readonly v: 1;
  readonly event_id: readonly string[];
  readonly event: readonly string[];
  readonly user_id: readonly string[];
  readonly event_datetime: readonly string[];
  readonly order_id: readonly (string | null)[];
  readonly currency: readonly (string | null)[];
  readonly price: readonly (number | string | null)[];
}

/** The columns, in the order in which they are written. */
export const EVENT_COLUMNS = ["event_id", "event", "user_id", "event_datetime", "order_id", "currency", "price"] as const;

/** Events by columns. */
export function toBatch(events: readonly CollectedEvent[]): EventBatch {
  return {
    v: 1,
    event_id: events.map(({ event_id }) => event_id),
    event: events.map(({ event }) => event),
    user_id: events.map(({ user_id }) => user_id),
    event_datetime: events.map(({ event_datetime }) => event_datetime),
    order_id: events.map(({ parameters }) => parameters?.order_id ?? null),
    currency: events.map(({ parameters }) => parameters?.currency ?? null),
    price: events.map(({ parameters }) => parameters?.price ?? null),
  };
}

/** Some of a batch's events, as a batch. */
export function partOf(batch: EventBatch, from: number, to: number): EventBatch {
  return {
    v: 1,
    event_id: batch.event_id.slice(from, to),
    event: batch.event.slice(from, to),
    user_id: batch.user_id.slice(from, to),
    event_datetime: batch.event_datetime.slice(from, to),
    order_id: batch.order_id.slice(from, to),
    currency: batch.currency.slice(from, to),
    price: batch.price.slice(from, to),
  };
}

/** The events of a batch, one by one. */
export function eventsOf(batch: EventBatch): CollectedEvent[] {
  return batch.event_id.map((event_id, at) => {
    const [order_id, currency, price] = [batch.order_id[at], batch.currency[at], batch.price[at]];
    const parameters = order_id == null || currency == null || price == null ? null : { order_id, currency, price };
    return {
      event_id,
      event: batch.event[at] ?? "",
      user_id: batch.user_id[at] ?? "",
      event_datetime: batch.event_datetime[at] ?? "",
      parameters,
    };
  });
}

/** Whether what came out of the queue is a batch that this release can read. */
export function isBatch(data: unknown): data is EventBatch {
  if (typeof data !== "object" || data === null || (data as { v?: unknown }).v !== 1) return false;
  const columns = EVENT_COLUMNS.map((name) => (data as Readonly<Record<string, unknown>>)[name]);
  const [first] = columns;
  return Array.isArray(first) && columns.every((column) => Array.isArray(column) && column.length === first.length);
}
