import type pg from "pg";
import { OpsError } from "../../core/errors.ts";
import type { EventCount, EventCounting } from "../../core/events/ports.ts";
import { text } from "../../core/reply.ts";
import { withTransaction } from "./pool.ts";

/** The server ends the statement itself: whoever stopped waiting would leave it at work. */
const LIMIT_MS = 8_000;

/** Rows are put together before anything is made of them that is longer than they are; there may be millions. */
const COUNT = `WITH counted AS MATERIALIZED (
    SELECT date_bin($3 * interval '1 second', least(event_datetime, $2::timestamptz), 'epoch') AS span, event, count(*) AS count
    FROM events WHERE event_datetime >= $1 AND ($4::text IS NULL OR event = $4) GROUP BY 1, 2),
  told AS (SELECT event FROM counted GROUP BY 1 ORDER BY sum(count) DESC, 1 LIMIT $5)
  SELECT to_char(span AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, told.event, sum(count)::float8 AS count
  FROM counted LEFT JOIN told USING (event) GROUP BY span, told.event ORDER BY span, told.event`;

/**
 * Counts events by kind and span.
 * @param limit_ms how long the statement may take
 * @throws OpsError `timeout` when they are too many for the time there is
 */
export function countEvents(
  pool: pg.Pool,
  { since, until, span_s, event, kinds }: EventCounting,
  limit_ms = LIMIT_MS,
): Promise<EventCount[]> {
  return withTransaction(pool, async (client) => {
    await client.query(`SET LOCAL statement_timeout = ${limit_ms}`);
    try {
      return (await client.query<EventCount>(COUNT, [since, until, span_s, event ?? null, kinds])).rows;
    } catch (thrown) {
      throw isCanceled(thrown) ? tooMany(thrown) : thrown;
    }
  });
}

/** query_canceled (https://www.postgresql.org/docs/15/errcodes-appendix.html) */
function isCanceled(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "57014";
}

function tooMany(cause: unknown): OpsError {
  return new OpsError("timeout", `events could not be counted in time`, { text: text("event_stats.too_many"), cause });
}
