import { toBatch } from "../../core/events/batch.ts";
import type { CollectedEvent } from "../../core/events/event.ts";
import type { EventQueue, EventWriter } from "../../core/events/ports.ts";
import { createEventWork } from "../../jobs/events/writer.ts";
import { createMemoryLog } from "./memory-log.ts";

/** A queue of events in memory, written by the real worker when a test says so, or when somebody waits for it. */
export function createMemoryEventQueue(writer: EventWriter) {
  const queued: CollectedEvent[] = [];
  const written = { stored: 0, duplicates: 0, failed: 0 };
  const stuck = { on: false };
  const meter = {
    written(counts: typeof written) {
      for (const name of ["stored", "duplicates", "failed"] as const) written[name] += counts[name];
    },
  };
  const work = createEventWork({ writer, meter, log: createMemoryLog() });
  /** Writes all that waits, as one batch. */
  const writes = async () => {
    const events = queued.splice(0);
    if (events.length > 0) await work(toBatch(events), new AbortController().signal);
  };
  const queue: Pick<EventQueue, "holds" | "drained"> = {
    holds: async (event_id) => queued.some((event) => event.event_id === event_id),
    async drained(signal) {
      if (stuck.on && !signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      if (signal.aborted) return false;
      await writes();
      return true;
    },
  };
  return { queued, written, stuck, writes, queue, collect: async (events: readonly CollectedEvent[]) => void queued.push(...events) };
}
