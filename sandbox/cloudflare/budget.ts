import { createWindow, type Rate } from "../window.ts";

/** https://developers.cloudflare.com/fundamentals/api/reference/limits/: 1,200 in five minutes, then everything is refused for five minutes. */
export const CLOUDFLARE_BUDGET: Rate = { limit: 1_200, window_ms: 300_000 };

/** Reads the contract's `CLOUDFLARE_BUDGET`, e.g. "1200/300s". Throws an Error that says what was expected. */
export function parseCloudflareBudget(text: string): Rate {
  const [, limit, seconds] = /^([1-9]\d{0,6})\/([1-9]\d{0,5})s$/.exec(text.trim()) ?? [];
  if (!limit || !seconds) throw new Error("CLOUDFLARE_BUDGET must be like 1200/300s");
  return { limit: Number(limit), window_ms: Number(seconds) * 1_000 };
}

/** Counts the calls of one token. */
export interface Budget {
  /** Takes one; else how long everything is refused, in milliseconds. */
  take(now: number): number;
}

/** Makes the budget of one token. One call too many closes it for a whole window. */
export function createBudget(rate: Rate): Budget {
  const window = createWindow(rate);
  let closedUntil = Number.NEGATIVE_INFINITY;
  return {
    take(now) {
      if (now >= closedUntil && window.wait(now) > 0) closedUntil = now + rate.window_ms;
      if (now < closedUntil) return closedUntil - now;
      window.count(now);
      return 0;
    },
  };
}
