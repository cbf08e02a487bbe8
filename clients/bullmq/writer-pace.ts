/** A batch that waited for longer than this, in milliseconds, says that the writer is behind. */
const BEHIND_MS = 15;
/** The writer is not behind any more when no batch said so for this long, in milliseconds, and the one before is as long ago as the second. */
const CALM_MS = 5_000;
const SELDOM_MS = 20;
/** So many events take much longer to write than what surrounds it. */
export const LARGE = 200;

/** Whether a batch that waited for so long, in milliseconds, was not the only one in the queue. */
export const isBehind = (waited_ms: number): boolean => waited_ms > BEHIND_MS;

const asksForMore = (waited_ms: number, events: number): boolean => isBehind(waited_ms) || events >= LARGE;

/**
 * How many batches a worker writes at once: one while they are small and seldom and it keeps up, as many as may be else. A worker of several that has
 * nothing to do for most of them asks the queue for each of them again and again, which costs a fifth of what a batch costs.
 */
export function createWriterPace(most: number) {
  let apply: (at_once: number) => void = () => undefined;
  let at_once = 1;
  let asked_at = 0;
  let took_at = 0;
  const change = (to: number) => {
    if (to === at_once) return;
    at_once = to;
    apply(to);
  };
  return {
    set(setConcurrency: (at_once: number) => void) {
      apply = setConcurrency;
    },
    /** How many it writes at once now. */
    atOnce: () => at_once,
    /** So many at once from now on, if they are not less already. */
    narrow: (to: number) => change(Math.min(at_once, to)),
    /** Whether a batch of so many events, that had waited for so long, in milliseconds, makes it write more at once than it does. */
    widens: (waited_ms: number, events: number): boolean => at_once < most && asksForMore(waited_ms, events),
    /** A batch of so many events is begun that had waited for so long, in milliseconds. */
    took(waited_ms: number, events: number): void {
      const now = performance.now();
      if (asksForMore(waited_ms, events)) {
        asked_at = now;
        change(most);
      } else if (now - asked_at > CALM_MS && now - took_at > SELDOM_MS) change(1);
      took_at = now;
    },
  };
}
