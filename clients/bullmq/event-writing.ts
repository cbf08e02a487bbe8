import { BATCH_MAX, type EventBatch, isBatch } from "../../core/events/batch.ts";
import { createHandover } from "./handover.ts";
import { unpackBatch } from "./packing.ts";
import type { createPressure } from "./pressure.ts";
import { createTogether } from "./together.ts";
import { createWriterPace, isBehind, LARGE } from "./writer-pace.ts";

/** What writing needs. */
export interface WritingDeps {
  readonly pressure: Pick<ReturnType<typeof createPressure>, "look" | "full">;
  /** Batches at once, at most. */
  readonly most: number;
  write(batch: EventBatch): Promise<void>;
}

/** What was seen of the queue is good for deciding how fast to write, in milliseconds. */
const FRESH_MS = 250;
/** Small batches that come within this time, in milliseconds, are written together. */
const TOGETHER_MS = 8;
/** A batch that is written waits so long for the next one, in milliseconds: some times what lies between two of them when many events come. */
const HANDOVER_MS = 20;
/** A batch that ended so lately, in milliseconds, may still be given the next one. */
const ENDING_MS = 1_000;
/** Source: redis 7, src/server.c (shared.oomerr). */
const AT_ITS_LIMIT = /\bOOM\b/;

/** What a worker does with jobs, and with Redis at its limit: that hands out the next batch with the end of the one before, but to nobody who asks. */
export function createWriting({ pressure, most, write }: WritingDeps) {
  const pace = createWriterPace(most);
  const handover = createHandover({ slots: pace.atOnce, within_ms: HANDOVER_MS });
  const writeTogether = createTogether({
    ...{ write, max: BATCH_MAX, alone: LARGE, linger_ms: TOGETHER_MS },
    ...{ slots: pace.atOnce, isBusy: handover.isBusy },
  });
  let in_hand = 0;
  let ended_at = Number.NEGATIVE_INFINITY;
  return {
    /** This process queued a batch. */
    queued: handover.queued,
    /** What is written and only waits for the next one is not to be waited for. */
    release: handover.release,
    onOpen: pace.set,
    onDrained: handover.drained,
    onError(error: Error): boolean {
      if (!AT_ITS_LIMIT.test(error.message)) return false;
      // With more slots than batches one would ask; with fewer an end would not be given the next one.
      if (in_hand > 0) pace.narrow(in_hand);
      return in_hand > 0 || performance.now() - ended_at < ENDING_MS;
    },
    async handler(packed: unknown, queued_at: number): Promise<void> {
      in_hand += 1;
      handover.began();
      const waited_ms = Date.now() - queued_at;
      try {
        const batch = await readBatch(packed);
        // One that widens goes at once: the other slots open when it ends.
        const widens = pace.widens(waited_ms, batch.count);
        if (widens) await pressure.look(FRESH_MS);
        if (pressure.full() === null) pace.took(waited_ms, batch.count);
        await writeTogether(batch);
        await handover.next(!widens && !isBehind(waited_ms));
      } finally {
        handover.ended();
        in_hand -= 1;
        ended_at = performance.now();
      }
    },
  };
}

/** @throws Error for a batch of a later release, whose worker takes it */
async function readBatch(packed: unknown): Promise<EventBatch> {
  const data = await unpackBatch(packed);
  if (isBatch(data)) return data;
  throw new Error("a batch of events that this release cannot read; it stays in the queue");
}
