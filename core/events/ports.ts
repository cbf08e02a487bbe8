import type { QueueWorker } from "../ports.ts";
import type { EventBatch } from "./batch.ts";
import type { CollectedEvent } from "./event.ts";

/** What waits in the queue of events. */
export interface EventBacklog {
  /** Batches that wait or are being written. */
  readonly batches: number;
  /** How long ago the oldest of them was queued, in milliseconds; 0 where there is none. */
  readonly oldest_ms: number;
}

/**
 * Events on their way to the table. Unlike the other queues it holds the work itself: what is in it is nowhere else until it is written, so no batch
 * leaves it before.
 */
export interface EventQueue {
  /**
   * Resolves when all of them are durably queued.
   * @throws OpsError `unavailable` within 2 s when the queue cannot be reached, or is full; some of them may be queued then
   */
  add(events: readonly CollectedEvent[]): Promise<void>;
  /**
   * Starts to write. A handler that throws gets its batch again, and so does another when its process dies.
   * @param handler gives up when the signal is aborted
   */
  work(handler: (batch: EventBatch, signal: AbortSignal) => Promise<void>, options: { readonly concurrency: number }): Promise<QueueWorker>;
  /**
   * Whether an event waits to be written. Looks through what waits, the newest first.
   * @throws OpsError `unavailable` when that is more than can be looked through in 2 s
   */
  holds(event_id: string): Promise<boolean>;
  backlog(): Promise<EventBacklog>;
  /** Why this process takes no events now, for operators; null where it does. */
  full(): string | null;
  /** How many events this process has queued. */
  total(): number;
  /** When it last queued some, in milliseconds since 1970; 0 where it never did. */
  lastQueuedAt(): number;
  /** Resolves when nothing waits any more that had been queued when it was called; false when the signal was aborted before. */
  drained(signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

/** What became of a batch. */
export interface Written {
  readonly stored: number;
}

/** The way of events into the table, for their worker. */
export interface EventWriter {
  /**
   * Writes them in one statement; one whose `event_id` is there already is left out.
   * @throws OpsError `unavailable` when the database cannot be reached; other errors are about what is in the batch
   */
  write(batch: EventBatch): Promise<Written>;
  /** Keeps an event that cannot be written, with the reason; one that failed before keeps its place. */
  fail(event: CollectedEvent, reason: string): Promise<void>;
}

/** An event as it was stored. */
export interface StoredEvent {
  readonly event_id: string;
  readonly event: string;
  readonly event_datetime: string;
  readonly parameters: { readonly order_id: string; readonly currency: string; readonly price: number } | null;
}

/** The event a page ended with. */
export interface EventPosition {
  readonly event_datetime: string;
  readonly event_id: string;
}

/** Which events of a person to list, newest first. */
export interface EventFilter {
  readonly user_id: string;
  readonly event?: string;
  /** RFC 3339, included. */
  readonly since?: string;
  readonly after?: EventPosition;
  readonly limit: number;
}

/** What became of an event that was acknowledged. */
export type EventReceipt =
  | { readonly event_id: string; readonly status: "queued" }
  | { readonly event_id: string; readonly status: "stored"; readonly stored_at: string }
  | { readonly event_id: string; readonly status: "failed"; readonly failed_at: string; readonly reason: string };

/** An event that could not be written. */
export interface FailedEvent {
  readonly event_id: string;
  readonly user_id: string;
  readonly event: string;
  readonly reason: string;
  readonly failed_at: string;
  readonly attempts: number;
}

/** What is to be counted: events since a moment, by kind and span of time. */
export interface EventCounting {
  /** RFC 3339, included. */
  readonly since: string;
  /** RFC 3339, the time it is; an event whose time is ahead of it counts as of then. */
  readonly until: string;
  /** How long a span is, in seconds; spans begin at multiples of it since 1970. */
  readonly span_s: number;
  /** Only this kind. */
  readonly event?: string;
  /** How many kinds are told apart, those of which there are most. */
  readonly kinds: number;
}

/** Events of one kind in one span of time. */
export interface EventCount {
  /** When the span begins, RFC 3339 UTC. */
  readonly at: string;
  /** Null: of all other kinds together. */
  readonly event: string | null;
  readonly count: number;
}

/** The failure a page ended with. */
export type FailedPosition = Pick<FailedEvent, "failed_at" | "event_id">;

/** What became of failed events that are tried again: stored, there already, refused again, or none of the failed ones. */
export const REPLAY_STATUSES = ["stored", "duplicate", "failed", "unknown"] as const;

/** What became of one failed event that was tried again. */
export interface ReplayedEvent {
  readonly event_id: string;
  readonly status: (typeof REPLAY_STATUSES)[number];
  /** Why it was refused again. */
  readonly reason?: string;
}

/** What became of failed events that were tried again. */
export interface Replayed {
  /** In the order in which they were tried. */
  readonly results: readonly ReplayedEvent[];
  /** How many failed events there are now. */
  readonly left: number;
  /** False: the signal was aborted before all were tried. */
  readonly done: boolean;
}

/** What was deleted of a person's. */
export interface Forgotten {
  readonly stored: number;
  readonly failed: number;
  /** False: the signal was aborted before all was deleted. */
  readonly done: boolean;
}

/** Events as commands and HTTP see them. */
export interface Events {
  search(filter: EventFilter): Promise<readonly StoredEvent[]>;
  /** Stored, failed, or still queued; null for one that nobody knows. @throws OpsError `unavailable` when nobody can say */
  receipt(event_id: string): Promise<EventReceipt | null>;
  /**
   * How many there are, the oldest span first; spans and kinds without any are left out.
   * @throws OpsError `timeout` when they are too many to be counted in 8 s
   */
  count(counting: EventCounting): Promise<readonly EventCount[]>;
  /** Failed ones, the latest first. @param after only those that follow this one in that order */
  failed(options: {
    readonly limit: number;
    readonly after?: FailedPosition;
  }): Promise<{ readonly events: readonly FailedEvent[]; readonly total: number }>;
  /**
   * Writes failed events again: those of these ids, or up to `limit` of all of them, the oldest failure first. What fails again stays, and
   * counts as failed now.
   */
  replay(options: { readonly event_ids: readonly string[] | "all"; readonly limit: number }, signal: AbortSignal): Promise<Replayed>;
  /** How many events of a person there are, stored and failed. */
  countOf(user_id: string): Promise<{ readonly stored: number; readonly failed: number }>;
  /** Deletes everything about a person, also what was still queued when it was called: that is written first. */
  forget(user_id: string, signal: AbortSignal): Promise<Forgotten>;
}
