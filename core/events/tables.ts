import type { EventPosition, Events, FailedEvent } from "./ports.ts";

/** What was deleted by one statement, and the event it ended with; null when there was none. */
export interface Deleted {
  readonly deleted: number;
  readonly last: EventPosition | null;
}

/** The tables behind the port `Events`: reading events, and what is done to them afterwards. */
export interface EventTables extends Pick<Events, "search" | "receipt" | "count" | "countOf"> {
  failed(options: Parameters<Events["failed"]>[0]): Promise<readonly FailedEvent[]>;
  failedTotal(): Promise<number>;
  /** The ids of failed events, the oldest failure first. */
  failedIds(limit: number): Promise<readonly string[]>;
  /**
   * Moves a failed event to the stored ones, in one statement; null where it is none of the failed ones.
   * @throws OpsError `unavailable` when the database cannot be reached; other errors say why it is refused again
   */
  restore(event_id: string): Promise<"stored" | "duplicate" | null>;
  /** That a failed event was refused again. One that is gone meanwhile stays gone. */
  refail(event_id: string, reason: string): Promise<void>;
  /** Deletes a person's events, so many at a time, the newest first. @param after goes on after this one */
  deleteOf(user_id: string, limit: number, after: EventPosition | null): Promise<Deleted>;
  deleteFailedOf(user_id: string): Promise<number>;
}
