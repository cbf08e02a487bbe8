import type { Clock } from "../../core/ports.ts";

/** A clock that stands still until the test moves it. */
export interface TestClock extends Clock {
  /** Milliseconds since 1970. */
  ms(): number;
  passes(ms: number): void;
}

/** Starts in the morning of a Sunday. */
export function createTestClock(start = Date.UTC(2026, 10, 22, 9, 0, 0)): TestClock {
  let now = start;
  return {
    now: () => new Date(now),
    ms: () => now,
    passes(ms) {
      now += ms;
    },
  };
}
