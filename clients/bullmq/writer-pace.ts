/** A batch that waited for longer than this, in milliseconds, says that the writer is behind. */
const BEHIND_MS = 15;
/** After so many batches in a row that hardly waited it is not behind any more. */
const CALM = 1_000;
/** So many events take much longer to write than what surrounds it. */
export const LARGE = 200;

const isBehind = (waited_ms: number, events: number): boolean => waited_ms > BEHIND_MS || events >= LARGE;

/**
 * How many batches a worker writes at once: one while they are small and it keeps up, as many as may be else. A worker of several that has nothing to do
 * for most of them asks the queue for each of them again and again, which costs a fifth of what a batch costs.
 */
export function createWriterPace(most: number) {
  let apply: (at_once: number) => void = () => undefined;
  let calm = 0;
  let at_once = 1;
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
    /** One at a time from now on. */
    narrow(): void {
      calm = 0;
      change(1);
    },
    /** Whether a batch of so many events, that had waited for so long, in milliseconds, makes it write more at once than it does. */
    widens: (waited_ms: number, events: number): boolean => at_once < most && isBehind(waited_ms, events),
    /** A batch of so many events is begun that had waited for so long, in milliseconds. */
    took(waited_ms: number, events: number): void {
      calm = isBehind(waited_ms, events) ? 0 : calm + 1;
      if (calm === 0) change(most);
      else if (calm >= CALM) change(1);
    },
  };
}
