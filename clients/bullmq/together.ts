import { type EventBatch, joinBatches } from "../../core/events/batch.ts";

/** How batches are written together. */
export interface TogetherOptions {
  write(batch: EventBatch): Promise<void>;
  /** Events in a statement, at most; a batch of as many as `alone` is written by itself. */
  readonly max: number;
  readonly alone: number;
  /** How many batches may be in hand at once, just now: where all of them are here, or being written, nobody else can come. */
  slots(): number;
  /** Whether another one is to be expected soon. */
  isBusy(): boolean;
  /** How long one waits for others, in milliseconds. */
  readonly linger_ms: number;
}

/** Writes batches that come one after the other with one statement: half of what a small one costs has nothing to do with how many events are in it. */
export function createTogether({ write, max, alone, slots, isBusy, linger_ms }: TogetherOptions): (batch: EventBatch) => Promise<void> {
  let waiting: Waiting[] = [];
  let events = 0;
  let writing = 0;
  let timer: NodeJS.Timeout | undefined;
  const writeOne = async (batch: EventBatch, count: number) => {
    writing += count;
    try {
      await write(batch);
    } finally {
      writing -= count;
    }
  };
  const go = () => {
    clearTimeout(timer);
    timer = undefined;
    const all = waiting;
    waiting = [];
    events = 0;
    if (all.length === 0) return;
    const written = writeOne(joinBatches(all.map(({ batch }) => batch)), all.length);
    for (const { resolve } of all) resolve(written);
  };
  const look = () => {
    if (waiting.length + writing >= slots() || !isBusy()) go();
    else timer ??= setTimeout(go, linger_ms);
  };
  return (batch) => {
    if (batch.count >= alone) {
      const written = writeOne(batch, 1);
      if (waiting.length > 0) look();
      return written;
    }
    if (events + batch.count > max) go();
    return new Promise((resolve) => {
      waiting.push({ batch, resolve });
      events += batch.count;
      look();
    });
  };
}

interface Waiting {
  readonly batch: EventBatch;
  readonly resolve: (written: Promise<void>) => void;
}
