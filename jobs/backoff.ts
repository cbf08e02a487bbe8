import type { OpsError } from "../core/errors.ts";

const FIRST_MS = 500;
const LONGEST_MS = 60_000;

/**
 * How long to wait after a failed try, in milliseconds: what the other side asked for, else doubling from half a second to a minute,
 * shortened by up to a half at random so that many do not come back at once.
 * @param attempt 1 after the first failure
 */
export function backoff(attempt: number, error?: Pick<OpsError, "retry_after_ms">): number {
  if (error?.retry_after_ms !== undefined) return error.retry_after_ms;
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  return Math.round(longest * (0.5 + Math.random() / 2));
}
