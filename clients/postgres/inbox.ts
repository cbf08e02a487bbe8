import type pg from "pg";
import type { InboxEvent, InboxStore } from "../../core/stores.ts";
import { withoutNul } from "./json.ts";
import { query } from "./query.ts";
import { ALIVE_SESSIONS, type Session } from "./session.ts";

/** SQL: the order of events that were stored together: a platform's own ids count up, so a longer one is the later one. */
const NUMBER = "length(request_id), request_id";

/**
 * What came in, on the table `inbox`. An event belongs to the process that stored it for as long as that process lives.
 * @param session this process's sign of life
 */
export function createInboxStore(pool: pg.Pool, session: Pick<Session, "id">): InboxStore {
  return {
    async receive(events) {
      const ids = events.map((event) => event.request_id);
      const me = session.id();
      const values = [ids, events.map((e) => e.platform), events.map((e) => JSON.stringify(e.payload)), me];
      const rows = await query<{ request_id: string }>(
        pool,
        `INSERT INTO inbox (request_id, platform, payload, claimed_by, attempts)
         SELECT request_id, platform, payload, $4, 1 FROM unnest($1::text[], $2::text[], $3::json[]) AS event(request_id, platform, payload)
         ON CONFLICT DO NOTHING RETURNING request_id`,
        values,
      );
      const ours = new Set(rows.map((row) => row.request_id));
      // Rare: a redelivery.
      if (ours.size < ids.length) for (const { request_id } of await undone(pool, ids, me)) ours.add(request_id);
      return events.filter((event) => ours.delete(event.request_id));
    },
    async done(request_id) {
      await query(pool, "UPDATE inbox SET done_at = now(), claimed_by = NULL WHERE request_id = $1", [request_id]);
    },
    async giveBack(request_id, delay_ms, error) {
      const [row] = await query<{ attempts: number }>(
        pool,
        `UPDATE inbox SET claimed_by = NULL, due_at = now() + $2::float8 * interval '1 millisecond', error = $3
         WHERE request_id = $1 AND claimed_by = $4 RETURNING attempts`,
        [request_id, delay_ms, withoutNul(error), session.id()],
      );
      return row?.attempts ?? 0;
    },
    takeOver: async (platforms, limit) =>
      query<InboxEvent>(
        pool,
        `WITH taken AS (
           UPDATE inbox SET claimed_by = $1, attempts = attempts + 1 WHERE request_id IN (
             SELECT request_id FROM inbox
             WHERE done_at IS NULL AND due_at <= now() AND platform = ANY($3) AND (claimed_by IS NULL OR claimed_by NOT IN (${ALIVE_SESSIONS}))
             ORDER BY due_at, ${NUMBER} LIMIT $2 FOR UPDATE SKIP LOCKED)
           RETURNING *)
         SELECT request_id, platform, payload FROM taken ORDER BY received_at, ${NUMBER}`,
        [session.id(), limit, platforms],
      ),
  };
}

function undone(pool: pg.Pool, ids: readonly string[], session: number): Promise<{ request_id: string }[]> {
  return query(pool, "SELECT request_id FROM inbox WHERE request_id = ANY($1) AND claimed_by = $2 AND done_at IS NULL", [ids, session]);
}
