import { toOpsError } from "../../core/errors.ts";
import type { EventPosition, EventQueue, Events, ReplayedEvent } from "../../core/events/ports.ts";
import type { Deleted, EventTables } from "../../core/events/tables.ts";

/** What the port is made of. */
export interface EventsDeps {
  readonly tables: EventTables;
  readonly queue: Pick<EventQueue, "holds" | "drained">;
}

/** Rows deleted by one statement, so that no lock is held for long. */
const DELETED_AT_ONCE = 1_000;

/** Events as commands and HTTP see them: the tables, and what is still on its way to them. */
export function createEvents({ tables, queue }: EventsDeps): Events {
  const { search, count, countOf } = tables;
  return {
    ...{ search, count, countOf },
    async receipt(event_id) {
      const asked = await tables.receipt(event_id).then(
        (known) => ({ known }),
        (thrown: unknown) => ({ thrown }),
      );
      if ("known" in asked && asked.known) return asked.known;
      // What waits is queued, also while the database is away.
      if (await queue.holds(event_id)) return { event_id, status: "queued" };
      if ("thrown" in asked) throw asked.thrown;
      // It may have been written between the two.
      return tables.receipt(event_id);
    },
    async failed(options) {
      const [events, total] = await Promise.all([tables.failed(options), tables.failedTotal()]);
      return { events, total };
    },
    async replay({ event_ids, limit }, signal) {
      const wanted = event_ids === "all" ? await tables.failedIds(limit) : event_ids.slice(0, limit);
      const results: ReplayedEvent[] = [];
      for (const event_id of wanted) {
        if (signal.aborted) break;
        results.push(await restore(tables, event_id));
      }
      return { results, left: await tables.failedTotal(), done: results.length === wanted.length };
    },
    async forget(user_id, signal) {
      // What was acknowledged before must not be stored afterwards.
      if (!(await queue.drained(signal))) return { stored: 0, failed: 0, done: false };
      // Failures first: one that is being replayed is a stored one by the time that these are deleted.
      const failed = await tables.deleteFailedOf(user_id);
      let stored = 0;
      let after: EventPosition | null = null;
      do {
        if (signal.aborted) return { stored, failed, done: false };
        const { deleted, last }: Deleted = await tables.deleteOf(user_id, DELETED_AT_ONCE, after);
        stored += deleted;
        after = last;
      } while (after !== null);
      return { stored, failed, done: true };
    },
  };
}

/** One at a time: which of them are refused is what is asked. */
async function restore(tables: EventTables, event_id: string): Promise<ReplayedEvent> {
  try {
    const status = await tables.restore(event_id);
    if (status !== null) return { event_id, status };
  } catch (thrown) {
    const error = toOpsError(thrown);
    if (error.code === "unavailable") throw error;
    await tables.refail(event_id, error.message);
    return { event_id, status: "failed", reason: error.message };
  }
  // An earlier try of the same run may have stored it.
  const receipt = await tables.receipt(event_id);
  return { event_id, status: receipt?.status === "stored" ? "duplicate" : "unknown" };
}
