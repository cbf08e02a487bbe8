import { OpsError } from "../../core/errors.ts";
import { toBatch } from "../../core/events/batch.ts";
import type { CollectedEvent } from "../../core/events/event.ts";
import type { EventQueue, Events, EventWriter } from "../../core/events/ports.ts";
import { text } from "../../core/reply.ts";
import { writeApart } from "./writer.ts";

/** The tables behind the port. */
export type EventTables = Omit<Events, "receipt" | "failed" | "replay" | "forget"> & {
  receipt: Events["receipt"];
  failed(options: Parameters<Events["failed"]>[0]): Promise<Awaited<ReturnType<Events["failed"]>>["events"]>;
  failedTotal(): Promise<number>;
  failedPayloads(event_ids: readonly string[] | "all", limit: number): Promise<readonly CollectedEvent[]>;
  unfail(event_ids: readonly string[]): Promise<void>;
  deleteOf(user_id: string, limit: number): Promise<number>;
  deleteFailedOf(user_id: string): Promise<number>;
};

/** What the port is made of. */
export interface EventsDeps {
  readonly tables: EventTables;
  readonly writer: EventWriter;
  readonly queue: Pick<EventQueue, "holds" | "drained">;
}

/** Rows deleted by one statement, so that no lock is held for long. */
const DELETED_AT_ONCE = 1_000;

/** Events as commands and HTTP see them: the tables, and what is still on its way to them. */
export function createEvents({ tables, writer, queue }: EventsDeps): Events {
  const { search, count, countOf } = tables;
  return {
    ...{ search, count, countOf },
    async receipt(event_id) {
      const known = await tables.receipt(event_id);
      if (known) return known;
      if (await queue.holds(event_id)) return { event_id, status: "queued" };
      // It may have been written between the two.
      return tables.receipt(event_id);
    },
    async failed(options) {
      const [events, total] = await Promise.all([tables.failed(options), tables.failedTotal()]);
      return { events, total };
    },
    async replay({ event_ids, limit }) {
      const events = await tables.failedPayloads(event_ids, limit);
      const { stored, refused } = await writeApart(writer, toBatch(events));
      for (const { event, reason } of refused) await writer.fail(event, reason);
      const again = new Set(refused.map(({ event }) => event.event_id));
      const done = events.map(({ event_id }) => event_id).filter((event_id) => !again.has(event_id));
      if (done.length > 0) await tables.unfail(done);
      const failed = refused.map(({ event, reason }) => ({ event_id: event.event_id, reason }));
      return { stored, duplicates: done.length - stored, failed };
    },
    async forget(user_id, signal) {
      // What was acknowledged before must not be stored afterwards.
      if (!(await queue.drained(signal)))
        throw new OpsError("unavailable", "events are still being written", { text: text("events.forget_later") });
      let stored = 0;
      for (let deleted = DELETED_AT_ONCE; deleted === DELETED_AT_ONCE; stored += deleted) {
        signal.throwIfAborted();
        deleted = await tables.deleteOf(user_id, DELETED_AT_ONCE);
      }
      return { stored, failed: await tables.deleteFailedOf(user_id) };
    },
  };
}
