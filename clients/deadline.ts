import { OpsError } from "../core/errors.ts";

/** How long a caller waits for a store, in milliseconds: the 2 s that the contract allows, less the time to say so. */
export const ANSWER_WITHIN_MS = 1_800;

/** What the caller is told to wait before asking again, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/** The error for a store that cannot be reached. */
export function unavailable(message: string, cause?: unknown): OpsError {
  return new OpsError("unavailable", message, { cause, retry_after_ms: RETRY_AFTER_MS });
}

/**
 * Waits for the work, but not for ever: work that is late goes on, and its outcome is dropped.
 * @param part named in the error
 * @throws OpsError `unavailable` when it is late; else what the work threw
 */
export async function withinDeadline<T>(part: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`${part}: no answer within ${ANSWER_WITHIN_MS} ms`)), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
