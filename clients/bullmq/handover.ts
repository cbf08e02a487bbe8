/** How a worker hands over from one job to the next. */
export interface HandoverOptions {
  /** How many jobs the worker works on at once, just now. */
  slots(): number;
  /** How long a job that is done waits for the next to be queued, in milliseconds; and not at all where they come more seldom than that. */
  readonly within_ms: number;
}

/** A job that had waited for so many times `within_ms` was not the only one. */
const LATE = 2;

/**
 * Lets a worker end one job and begin the next with a single call of the queue. BullMQ gives the next job with the end of the one before, if it is there
 * by then; else it waits for a sign and asks again, two more calls. So a job that is done, but not yet ended, waits a moment for the next one where
 * this process queues one after the other. What waits so is written already: if the process dies it is written again, which changes nothing.
 */
export function createHandover({ slots, within_ms }: HandoverOptions) {
  /** Jobs begun and not ended. */
  let in_hand = 0;
  /** Jobs that ended with a next one in the queue, which has not begun yet. */
  let promised = 0;
  /** Jobs queued that no end has waited for. */
  let ahead = 0;
  let queued_at = Number.NEGATIVE_INFINITY;
  let apart_ms = Number.POSITIVE_INFINITY;
  const waiting = new Set<() => void>();

  const promise = () => {
    promised += 1;
  };
  const wait = () =>
    new Promise<void>((resolve) => {
      const go = () => {
        waiting.delete(go);
        clearTimeout(late);
        resolve();
      };
      const late = setTimeout(go, within_ms);
      waiting.add(go);
    });
  return {
    /** This process queued a job. */
    queued(): void {
      const now = performance.now();
      apart_ms = now - queued_at;
      queued_at = now;
      // A free slot waits for it in the queue.
      if (in_hand + promised < slots()) return;
      const [first] = waiting;
      if (!first) {
        ahead += 1;
        return;
      }
      promise();
      first();
    },
    /** The queue had no job to give: whatever was expected of it went to somebody else. */
    drained(): void {
      promised = 0;
      ahead = 0;
    },
    /** A job begins. */
    began(): void {
      in_hand += 1;
      promised = Math.max(0, promised - 1);
    },
    /**
     * Resolves when a job that is done may end.
     * @param waited_ms how long it had waited in the queue: after a while others are there, too, whoever queued them
     */
    async next(waited_ms: number): Promise<void> {
      if (ahead > 0) {
        ahead -= 1;
        promise();
        return;
      }
      const comeOften = apart_ms <= within_ms && performance.now() - queued_at <= within_ms;
      if (comeOften && waited_ms <= LATE * within_ms) await wait();
    },
    /** A job ends, done or not. */
    ended(): void {
      in_hand -= 1;
    },
  };
}
