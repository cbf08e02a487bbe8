import type pg from "pg";
import type { AuditEntry, AuditLog } from "../../core/stores.ts";
import { toJsonb } from "./json.ts";
import { query } from "./query.ts";

const UNIQUE_VIOLATION = "23505";
/** Two processes that append at once collide on the sequence; the loser reads the new last line and tries again. */
const TRIES = 50;

/** SQL: what is hashed of a line; `at` as milliseconds, so that the session's time zone does not matter. */
const HASHED = `previous_hash || chr(10) || jsonb_build_array(seq, (extract(epoch FROM at) * 1000)::bigint, person_id, identity, action, command, input, outcome, request_id, run_id)::text`;

const APPEND = `
  WITH last AS (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1),
  line AS (
    SELECT coalesce((SELECT seq FROM last), 0) + 1 AS seq, date_trunc('milliseconds', clock_timestamp()) AS at, $1::text AS person_id, $2::text AS identity,
      $3::text AS action, $4::text AS command, $5::jsonb AS input, $6::text AS outcome, $7::text AS request_id, $8::text AS run_id,
      coalesce((SELECT hash FROM last), '') AS previous_hash)
  INSERT INTO audit (seq, at, person_id, identity, action, command, input, outcome, request_id, run_id, previous_hash, hash)
  SELECT seq, at, person_id, identity, action, command, input, outcome, request_id, run_id, previous_hash,
    encode(sha256(convert_to(${HASHED}, 'UTF8')), 'hex') FROM line`;

/** The audit, on the table `audit`: a sequence without gaps, each line with the SHA-256 over the one before and itself. */
export function createAuditLog(pool: pg.Pool): AuditLog {
  // One at a time within a process, so that only processes collide.
  let last: Promise<void> = Promise.resolve();
  return {
    append(entry) {
      const mine = last.then(() => append(pool, entry));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

async function append(pool: pg.Pool, entry: AuditEntry): Promise<void> {
  const { person_id, identity, action, command, input, outcome, request_id, run_id } = entry;
  const values = [person_id, identity, action, command, input && toJsonb(input), outcome, request_id, run_id];
  for (let attempt = 1; ; attempt++) {
    try {
      await query(pool, APPEND, values);
      return;
    } catch (thrown) {
      const collided = thrown instanceof Error && "code" in thrown && thrown.code === UNIQUE_VIOLATION;
      if (!collided || attempt === TRIES) throw thrown;
    }
  }
}

/** The first line whose hash or sequence does not fit, or null when the chain holds. Reads the whole audit once. */
export async function firstBrokenLine(pool: pg.Pool): Promise<number | null> {
  const [row] = await query<{ seq: string | null }>(
    pool,
    `SELECT min(seq) AS seq FROM (
       SELECT seq, hash <> encode(sha256(convert_to(${HASHED}, 'UTF8')), 'hex')
         OR previous_hash <> coalesce(lag(hash) OVER (ORDER BY seq), '') OR seq <> coalesce(lag(seq) OVER (ORDER BY seq), 0) + 1 AS broken
       FROM audit) AS line WHERE broken`,
  );
  return row?.seq ? Number(row.seq) : null;
}
