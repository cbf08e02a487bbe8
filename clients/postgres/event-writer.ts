import type pg from "pg";
import { EVENT_COLUMNS, type EventBatch } from "../../core/events/batch.ts";
import type { EventWriter } from "../../core/events/ports.ts";
import { toJsonb, withoutNul } from "./json.ts";
import { toUnavailable } from "./pool.ts";
import { query, run } from "./query.ts";

const TYPES = ["text", "text", "text", "timestamptz", "text", "text", "numeric"];

const WRITE = `INSERT INTO events (${EVENT_COLUMNS.join(", ")})
  SELECT * FROM unnest(${TYPES.map((type, at) => `$${at + 1}::${type}[]`).join(", ")}) ON CONFLICT DO NOTHING`;

const FAIL = `INSERT INTO failed_events (event_id, user_id, payload, reason) VALUES ($1, $2, $3, $4)
  ON CONFLICT (event_id) DO UPDATE SET payload = excluded.payload, reason = excluded.reason, attempts = failed_events.attempts + 1, failed_at = now()`;

/** Two statements that insert the same ids in another order undo one of them (deadlock_detected); nothing of it was done. */
const YIELDED = "40P01";
const TRIES = 10;

/** Writes events: a batch with one statement. */
export function createEventWriter(pool: pg.Pool): EventWriter {
  return {
    async write(batch) {
      const columns = EVENT_COLUMNS.map((name) => toArray(batch[name]));
      for (let attempt = 1; ; attempt++) {
        try {
          const { rowCount } = await run(pool, WRITE, columns);
          return { stored: rowCount ?? 0 };
        } catch (thrown) {
          const yielded = thrown instanceof Error && "code" in thrown && thrown.code === YIELDED;
          if (!yielded || attempt === TRIES) throw toUnavailable(thrown);
        }
      }
    },
    async fail(event, reason) {
      await query(pool, FAIL, [withoutNul(event.event_id), withoutNul(event.user_id), toJsonb(event), withoutNul(reason)]);
    },
  };
}

/** An escape other than of a quotation mark or a backslash, which an array of PostgreSQL's escapes as JSON does. */
const OTHER_ESCAPE = /\\[^"\\]/;

/**
 * A column as the text of a PostgreSQL array, or as it is for the driver to do the same. JSON's text of it is that of an array but for the
 * brackets, and is made several times faster. Source: https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO
 */
function toArray(column: EventBatch[(typeof EVENT_COLUMNS)[number]]): unknown {
  const json = JSON.stringify(column);
  return OTHER_ESCAPE.test(json) ? column : `{${json.slice(1, -1)}}`;
}
