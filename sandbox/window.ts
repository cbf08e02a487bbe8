/** At most `limit` calls in any `window_ms`. */
export interface Rate {
  readonly limit: number;
  readonly window_ms: number;
}

/** A sliding window over one key: it remembers when each counted call came, so it is exact at any moment and not at the turn of a second only. */
export interface Window {
  /** How long to wait, in milliseconds, until one more call fits; 0: it fits now. */
  wait(now: number): number;
  /** Counts a call. */
  count(now: number): void;
}

/** Makes a window; times are milliseconds of any clock that does not run backwards. */
export function createWindow({ limit, window_ms }: Rate): Window {
  let times: number[] = [];
  const forget = (now: number) => {
    if ((times[0] ?? Number.POSITIVE_INFINITY) <= now - window_ms) times = times.filter((time) => time > now - window_ms);
  };
  return {
    wait(now) {
      forget(now);
      const blocking = times[times.length - limit];
      return blocking === undefined ? 0 : blocking + window_ms - now;
    },
    count: (now) => void times.push(now),
  };
}
