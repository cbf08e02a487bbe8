import type pg from "pg";
import type { InboxEvent, InboxStore } from "../../core/stores.ts";
import { createBatches } from "../batches.ts";
import { toJsonb, withoutNul } from "./json.ts";
import { query } from "./query.ts";
import { ALIVE_SESSIONS, type Session } from "./session.ts";

/** What is done is noted together with what is done within so many milliseconds; nobody waits for it. */
const DONE_LINGER_MS = 10;

/** SQL: the order of events that were stored together: a platform's own ids count up, so a longer one is the later one. */
const NUMBER = "length(request_id), request_id";

/**
 * What came in, on the table `inbox`. An event belongs to the process that stored it for as long as that process lives.
 * @param session this process's sign of life
 * @param often the pool for what is asked with every event
 */
export function createInboxStore(pool: pg.Pool, session: Pick<Session, "id">, often: pg.Pool = pool): InboxStore {
  const receive = createBatches((events: readonly InboxEvent[]) => store(often, session.id(), events));
  const done = createBatches((ids: readonly string[]) => settle(often, ids), { linger_ms: DONE_LINGER_MS });
  return {
    async receive(events) {
      const ours = await Promise.all(events.map(receive));
      return events.filter((_, at) => ours[at]);
    },
    done,
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

/** Stores events. @returns of each whether this process is to work on it */
async function store(pool: pg.Pool, me: number, events: readonly InboxEvent[]): Promise<boolean[]> {
  const ids = events.map(({ request_id }) => request_id);
  const given = events.map(({ request_id, platform, payload }) => ({ request_id, platform, payload: JSON.stringify(payload) }));
  const rows = await query<{ request_id: string }>(
    pool,
    `INSERT INTO inbox (request_id, platform, payload, claimed_by, attempts)
     SELECT request_id, platform, payload::json, $2, 1 FROM json_to_recordset($1::json) AS event(request_id text, platform text, payload text)
     ON CONFLICT DO NOTHING RETURNING request_id`,
    [toJsonb(given), me],
  );
  const ours = new Set(rows.map((row) => row.request_id));
  // Rare: a redelivery.
  if (ours.size < ids.length) for (const { request_id } of await undone(pool, ids, me)) ours.add(request_id);
  return ids.map((id) => ours.delete(id));
}

async function settle(pool: pg.Pool, ids: readonly string[]): Promise<undefined[]> {
  await query(pool, "UPDATE inbox SET done_at = now(), claimed_by = NULL WHERE request_id = ANY($1)", [ids]);
  return ids.map(() => undefined);
}

function undone(pool: pg.Pool, ids: readonly string[], session: number): Promise<{ request_id: string }[]> {
  return query(pool, "SELECT request_id FROM inbox WHERE request_id = ANY($1) AND claimed_by = $2 AND done_at IS NULL", [ids, session]);
}
