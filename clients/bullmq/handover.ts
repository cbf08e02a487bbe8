/** How a worker hands over from one job to the next. */
export interface HandoverOptions {
  /** How many jobs the worker works on at once, just now. */
  slots(): number;
  /** How long a job that is done waits for the next to be queued, in milliseconds; and not at all where they come more seldom than that. */
  readonly within_ms: number;
}

/**
 * Lets a worker end one job and begin the next with a single call of the queue. BullMQ gives the next job with the end of the one before, if it is there
 * by then; else it waits for a sign and asks again, two more calls. So a job that is done, but not yet ended, waits a moment for the next one where
 * this process queues one after the other. What it counts may be wrong where others queue and take jobs as well: that costs a call or a moment.
 */
export function createHandover({ slots, within_ms }: HandoverOptions) {
  /** Jobs begun and not ended. */
  let in_hand = 0;
  /** Jobs in the queue that a slot is about to get: one that is free, or one whose job ends. */
  let promised = 0;
  /** Jobs in the queue beyond these. */
  let ahead = 0;
  let queued_at = Number.NEGATIVE_INFINITY;
  let apart_ms = Number.POSITIVE_INFINITY;
  const held = createHeld(within_ms);
  /** Whether jobs come one after the other, soon enough to wait for the next. */
  const isBusy = () => apart_ms <= within_ms && performance.now() - queued_at <= within_ms;
  return {
    isBusy,
    /** This process queued a job. */
    queued(): void {
      const now = performance.now();
      apart_ms = now - queued_at;
      queued_at = now;
      const isFree = in_hand + promised < slots();
      if (isFree || held.release(1) > 0) promised += 1;
      else ahead += 1;
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
     * @param may_wait false where there are more in the queue, whoever queued them
     */
    async next(may_wait: boolean): Promise<void> {
      if (ahead === 0) {
        if (may_wait && isBusy()) await held.hold();
        return;
      }
      ahead -= 1;
      promised += 1;
    },
    /** A job ends, done or not. */
    ended(): void {
      in_hand -= 1;
    },
    /** All that are done end now: somebody asks what is left. */
    release: () => void held.release(Number.POSITIVE_INFINITY),
  };
}

/** Those who wait for a sign, each so long at most, in milliseconds. */
function createHeld(within_ms: number) {
  const held = new Set<() => void>();
  return {
    hold: () =>
      new Promise<void>((resolve) => {
        const go = () => {
          held.delete(go);
          clearTimeout(late);
          resolve();
        };
        const late = setTimeout(go, within_ms);
        held.add(go);
      }),
    /** Lets go of so many of them, who came first. @returns how many there were */
    release(most: number): number {
      const some = [...held].slice(0, most);
      for (const go of some) go();
      return some.length;
    },
  };
}
