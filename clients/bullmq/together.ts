import { type EventBatch, joinBatches } from "../../core/events/batch.ts";

/** How batches are written together. */
export interface TogetherOptions {
  write(batch: EventBatch): Promise<void>;
  /** How many may be in hand at once, just now: where all of them are here, or being written, nobody else can come. */
  slots(): number;
  /** How long one waits for others, in milliseconds. */
  readonly linger_ms: number;
}

/** Writes batches that come one after the other with one statement: half of what one costs has nothing to do with how many events are in it. */
export function createTogether({ write, slots, linger_ms }: TogetherOptions): (batch: EventBatch) => Promise<void> {
  let waiting: Waiting[] = [];
  let writing = 0;
  let timer: NodeJS.Timeout | undefined;
  const go = () => {
    clearTimeout(timer);
    timer = undefined;
    const all = waiting;
    waiting = [];
    writing += all.length;
    const written = write(joinBatches(all.map(({ batch }) => batch))).finally(() => {
      writing -= all.length;
    });
    for (const { resolve } of all) resolve(written);
  };
  return (batch) =>
    new Promise((resolve) => {
      waiting.push({ batch, resolve });
      if (waiting.length + writing >= slots()) go();
      else timer ??= setTimeout(go, linger_ms);
    });
}

interface Waiting {
  readonly batch: EventBatch;
  readonly resolve: (written: Promise<void>) => void;
}
