import type pg from "pg";
import { ABSENT, EVENT_COLUMNS, SEPARATOR } from "../../core/events/batch.ts";
import type { EventWriter } from "../../core/events/ports.ts";
import { toJsonb, withoutNul } from "./json.ts";
import { toUnavailable } from "./pool.ts";
import { query, run } from "./query.ts";

/** A column as an array of PostgreSQL's; what is not text is cast as a whole. */
const CASTS: Readonly<Partial<Record<(typeof EVENT_COLUMNS)[number], string>>> = {
  event_datetime: "::timestamptz[]",
  price: "::numeric[]",
};
const [SEPARATED_BY, ABSENT_AS] = [`$${EVENT_COLUMNS.length + 1}`, `$${EVENT_COLUMNS.length + 2}`];
const ARRAYS = EVENT_COLUMNS.map((name, at) => `string_to_array($${at + 1}, ${SEPARATED_BY}, ${ABSENT_AS})${CASTS[name] ?? ""}`);

const WRITE = `INSERT INTO events (${EVENT_COLUMNS.join(", ")}) SELECT * FROM unnest(${ARRAYS.join(", ")}) ON CONFLICT DO NOTHING`;

const FAIL = `INSERT INTO failed_events (event_id, user_id, payload, reason) VALUES ($1, $2, $3, $4)
  ON CONFLICT (event_id) DO UPDATE SET payload = excluded.payload, reason = excluded.reason, attempts = failed_events.attempts + 1, failed_at = now()`;

/** Two statements that insert the same ids in another order undo one of them (deadlock_detected); nothing of it was done. */
const YIELDED = "40P01";
const TRIES = 10;

/** Writes events: a batch with one statement. */
export function createEventWriter(pool: pg.Pool): EventWriter {
  return {
    async write(batch) {
      const columns = [...EVENT_COLUMNS.map((name) => batch[name]), SEPARATOR, ABSENT];
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
