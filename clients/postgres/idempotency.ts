import type pg from "pg";
import { OpsError } from "../../core/errors.ts";
import type { IdempotencyStore, KeptAnswer } from "../../core/stores.ts";
import { withinDeadline } from "../deadline.ts";
import { query } from "./query.ts";

/** How long a key is good (contract, "REST"). `retention.ts` deletes the row some time after it. */
const OVER = "created_at < now() - interval '24 hours'";

interface Row {
  readonly body_hash: string;
  readonly request_id: string;
  readonly status: number | null;
  readonly content_type: string | null;
  readonly body: string | null;
}

/** Either the row is new, or its time is over and it is as good as new. */
const BEGIN = `
  INSERT INTO idempotency AS kept (owner, route, key, body_hash, request_id) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (owner, route, key) DO UPDATE
    SET body_hash = excluded.body_hash, request_id = excluded.request_id, status = NULL, content_type = NULL, body = NULL, created_at = now()
    WHERE kept.${OVER}
  RETURNING *`;

/** A purge between two statements makes the row new again; twice in a row it does not happen. */
const TRIES = 3;

/** Answers by Idempotency-Key, on the table `idempotency`. */
export function createIdempotencyStore(pool: pg.Pool): IdempotencyStore {
  return {
    begin: ({ owner, route, key }, { body_hash, request_id }) =>
      withinDeadline("idempotency keys", async () => {
        const slot = [owner, route, key];
        for (let attempt = 1; attempt <= TRIES; attempt++) {
          const [fresh] = await query<Row>(pool, BEGIN, [...slot, body_hash, request_id]);
          const row = fresh ?? (await query<Row>(pool, "SELECT * FROM idempotency WHERE owner = $1 AND route = $2 AND key = $3", slot))[0];
          if (row) return { body_hash: row.body_hash, request_id: row.request_id, answer: toAnswer(row) };
        }
        throw new OpsError("unavailable", "the row of an idempotency key vanished each time");
      }),
    keep: (request_id, answer) =>
      withinDeadline("idempotency keys", async () => {
        const { status, content_type, body } = answer;
        const [kept] = await query<Row>(
          pool,
          `UPDATE idempotency SET status = $2, content_type = $3, body = $4 WHERE request_id = $1 AND status IS NULL RETURNING *`,
          [request_id, status, content_type, body],
        );
        if (kept) return answer;
        const [first] = await query<Row>(pool, "SELECT * FROM idempotency WHERE request_id = $1", [request_id]);
        return (first && toAnswer(first)) ?? answer;
      }),
  };
}

function toAnswer({ status, content_type, body }: Row): KeptAnswer | null {
  return status === null ? null : { status, content_type: content_type ?? "application/json", body: body ?? "" };
}
