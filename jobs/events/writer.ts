import { toOpsError } from "../../core/errors.ts";
import { type EventBatch, eventsOf, partOf } from "../../core/events/batch.ts";
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
    const { stored, refused } = await patiently(() => writeApart(writer, batch), signal);
    for (const { event, reason } of refused) {
      await patiently(() => writer.fail(event, reason), signal);
      log.warn({ event_id: event.event_id, reason }, "an event could not be stored; it is kept with the reason, and can be tried again");
    }
    meter.written({ stored, duplicates: batch.event_id.length - stored - refused.length, failed: refused.length });
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
 * @throws OpsError `unavailable` when the database cannot be reached
 */
async function writeApart(
  writer: EventWriter,
  batch: EventBatch,
): Promise<{ readonly stored: number; readonly refused: readonly Refused[] }> {
  try {
    return { ...(await writer.write(batch)), refused: [] };
  } catch (thrown) {
    const error = toOpsError(thrown);
    if (error.code === "unavailable") throw error;
    const count = batch.event_id.length;
    if (count <= 1) return { stored: 0, refused: eventsOf(batch).map((event) => ({ event, reason: error.message })) };
    const middle = Math.ceil(count / 2);
    const first = await writeApart(writer, partOf(batch, 0, middle));
    const second = await writeApart(writer, partOf(batch, middle, count));
    return { stored: first.stored + second.stored, refused: [...first.refused, ...second.refused] };
  }
}
