import type { CollectedEvent } from "./event.ts";

/**
 * Events as they travel through the queue: by columns, each of them one text, so that they are written with one statement as they are and nothing on
 * the way looks at a single one. A later release adds columns and reads those of an earlier one; what cannot be read so gets another `v`.
 */
export interface EventBatch {
  readonly v: 1;
  /** How many there are, and so values in each column. */
  readonly count: number;
  readonly event_id: string;
  readonly event: string;
  readonly user_id: string;
  readonly event_datetime: string;
  readonly order_id: string;
  readonly currency: string;
  readonly price: string;
}

/** Events in a batch, at most: what a statement writes fastest, by measurement. */
export const BATCH_MAX = 500;

/** The columns, in the order in which they are written. */
export const EVENT_COLUMNS = ["event_id", "event", "user_id", "event_datetime", "order_id", "currency", "price"] as const;

/** Between two values of a column. No event holds control characters, and JSON has this one as it is. */
export const SEPARATOR = "\u0080";
/** In place of a value that is not there. */
export const ABSENT = "\u0081";

/** Events by columns. */
export function toBatch(events: readonly CollectedEvent[]): EventBatch {
  const column = (read: (event: CollectedEvent) => string | number) => events.map(read).join(SEPARATOR);
  return {
    v: 1,
    count: events.length,
    event_id: column(({ event_id }) => event_id),
    event: column(({ event }) => event),
    user_id: column(({ user_id }) => user_id),
    event_datetime: column(({ event_datetime }) => event_datetime),
    order_id: column(({ parameters }) => parameters?.order_id ?? ABSENT),
    currency: column(({ parameters }) => parameters?.currency ?? ABSENT),
    price: column(({ parameters }) => parameters?.price ?? ABSENT),
  };
}

/** Batches as one, in their order. */
export function joinBatches(batches: readonly EventBatch[]): EventBatch {
  const [first] = batches;
  if (first && batches.length === 1) return first;
  const column = (name: (typeof EVENT_COLUMNS)[number]) => batches.map((batch) => batch[name]).join(SEPARATOR);
  return {
    v: 1,
    count: batches.reduce((sum, { count }) => sum + count, 0),
    event_id: column("event_id"),
    event: column("event"),
    user_id: column("user_id"),
    event_datetime: column("event_datetime"),
    order_id: column("order_id"),
    currency: column("currency"),
    price: column("price"),
  };
}

/** The events of a batch, one by one. Prices are words by now. */
export function eventsOf(batch: EventBatch): CollectedEvent[] {
  const columns = EVENT_COLUMNS.map((name) => batch[name].split(SEPARATOR));
  return Array.from({ length: batch.count }, (_, at) => {
    const [event_id = "", event = "", user_id = "", event_datetime = "", order_id = ABSENT, currency = ABSENT, price = ABSENT] =
      columns.map((values) => values[at]);
    const parameters = order_id === ABSENT ? null : { order_id, currency, price };
    return { event_id, event, user_id, event_datetime, parameters };
  });
}

/** Whether an event is in a batch. */
export function holdsEvent(batch: EventBatch, event_id: string): boolean {
  return batch.event_id.includes(event_id) && batch.event_id.split(SEPARATOR).includes(event_id);
}

/** Whether what came out of the queue is a batch that this release can read. */
export function isBatch(data: unknown): data is EventBatch {
  if (typeof data !== "object" || data === null) return false;
  const { v, count, ...columns } = data as Readonly<Record<string, unknown>>;
  return v === 1 && Number.isSafeInteger(count) && EVENT_COLUMNS.every((name) => typeof columns[name] === "string");
}
