import { toOpsError } from "../../core/errors.ts";
import { type EventBatch, eventsOf, toBatch } from "../../core/events/batch.ts";
import type { CollectedEvent } from "../../core/events/event.ts";
import type { EventWriter } from "../../core/events/ports.ts";
import type { Logger } from "../../core/ports.ts";
import { pause } from "../pause.ts";

/** Counts what became of events. */
export interface EventMeter {
  written(counts: { readonly stored: number; readonly duplicates: number; readonly failed: number }): void;
}

/** What writing batches needs. */
export interface EventWorkDeps {
  readonly writer: EventWriter;
  readonly meter: EventMeter;
  readonly log: Logger;
}

/** An event that the database refuses, and why. */
interface Refused {
  readonly event: CollectedEvent;
  readonly reason: string;
}

const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 1_000;

/** Makes the worker of the queue of events. While the database is away it waits with its batch; what is wrong with one event stops no other. */
export function createEventWork({ writer, meter, log }: EventWorkDeps): (batch: EventBatch, signal: AbortSignal) => Promise<void> {
  return async (batch, signal) => {
    const { stored, refused } = await writeApart((part) => patiently(() => writer.write(part), signal), batch);
    for (const { event, reason } of refused) {
      await patiently(() => writer.fail(event, reason), signal);
      log.warn({ event_id: event.event_id, reason }, "an event could not be stored; it is kept with the reason, and can be tried again");
    }
    meter.written({ stored, duplicates: batch.count - stored - refused.length, failed: refused.length });
  };
}

/** Tries until the database answers. @throws what else goes wrong, or the signal's reason when it is aborted meanwhile */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let wait_ms = PAUSE_MIN_MS; ; wait_ms = Math.min(PAUSE_MAX_MS, 2 * wait_ms)) {
    try {
      return await work();
    } catch (thrown) {
      if (toOpsError(thrown).code !== "unavailable" || signal.aborted) throw thrown;
    }
    await pause(wait_ms, signal);
  }
}

/**
 * Writes a batch; where the database refuses it, its halves, so that in the end each event that is refused stands alone with the reason.
 * @throws what `write` throws but for what is in the batch
 */
async function writeApart(
  write: EventWriter["write"],
  batch: EventBatch,
): Promise<{ readonly stored: number; readonly refused: readonly Refused[] }> {
  try {
    return { ...(await write(batch)), refused: [] };
  } catch (thrown) {
    const error = toOpsError(thrown);
    if (error.code === "unavailable") throw error;
    const events = eventsOf(batch);
    if (events.length <= 1) return { stored: 0, refused: events.map((event) => ({ event, reason: error.message })) };
    const middle = Math.ceil(events.length / 2);
    const first = await writeApart(write, toBatch(events.slice(0, middle)));
    const second = await writeApart(write, toBatch(events.slice(middle)));
    return { stored: first.stored + second.stored, refused: [...first.refused, ...second.refused] };
  }
}
