import { setTimeout as sleep } from "node:timers/promises";

/** How fast the clients send, and how far they have come. */
export interface Pace {
  /** Resolves when so many events may be sent. */
  turn(events: number): Promise<void>;
  /** From now on so many events a second; null: as fast as they are taken. */
  set(per_second: number | null): void;
  /** Says how many events are acknowledged. */
  passed(acknowledged: number): void;
  /** Resolves at the very moment when so many are. */
  reached(acknowledged: number): Promise<void>;
}

/** Makes a pace: as fast as events are taken. */
export function createPace(): Pace {
  let rate: number | null = null;
  let next_at = 0;
  let waiting: { readonly at: number; readonly resolve: () => void }[] = [];
  let acknowledged = 0;
  return {
    async turn(events) {
      if (rate === null) return;
      const mine = Math.max(next_at, performance.now());
      next_at = mine + (events / rate) * 1_000;
      await sleep(mine - performance.now());
    },
    set(per_second) {
      rate = per_second;
      next_at = 0;
    },
    passed(now) {
      acknowledged = now;
      for (const { resolve } of waiting.filter(({ at }) => at <= now)) resolve();
      waiting = waiting.filter(({ at }) => at > now);
    },
    reached: (at) =>
      new Promise((resolve) => {
        if (at <= acknowledged) resolve();
        else waiting.push({ at, resolve });
      }),
  };
}
