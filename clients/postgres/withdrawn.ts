/**
 * SQL: what a message ends as that is tried no more. A first try that the platform put off was not taken. Any other may have been: its
 * connection broke, or its process died, and the next try was to repeat it.
 * @param error why the last try failed
 */
export const endOfTries = (error: string): string =>
  `CASE WHEN attempts = 0 OR (attempts = 1 AND ${error} ->> 'code' IN ('rate_limited', 'unavailable')) THEN 'cancelled' ELSE 'unknown' END`;

/** SQL: a message that can be taken back. */
export const WITHDRAWABLE = "deliveries.status IN ('scheduled', 'sending') AND message_id IS NULL AND withdrawn_at IS NULL";

/** SQL: it is taken back. One that is being sent at this moment is marked, so that this try is its last one. */
export const WITHDRAWN = `withdrawn_at = now(),
  status = CASE WHEN deliveries.status = 'sending' THEN deliveries.status ELSE ${endOfTries("error")} END`;
