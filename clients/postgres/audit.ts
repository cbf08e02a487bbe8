import type pg from "pg";
import { OpsError } from "../../core/errors.ts";
import type { AuditEntry, AuditLog } from "../../core/stores.ts";
import { createBatches } from "../batches.ts";
import { toJsonb } from "./json.ts";
import { query } from "./query.ts";

/** The first line waits so long for others, in milliseconds: all lines of all processes go through one row. */
const LINGER_MS = 3;

/** SQL: what is hashed of a line; `at` as milliseconds, so that the session's time zone does not matter. */
export const HASHED = `previous_hash || chr(10) || jsonb_build_array(seq, (extract(epoch FROM at) * 1000)::bigint, person_id, identity, action, command, input, outcome, request_id, run_id)::text`;

/**
 * A batch of lines, each hashed over the one before. Whoever appends locks the head first: a second process waits there, and then reads what
 * the first has left. A query that locks gives the row as it is by then, not as its snapshot had it.
 * https://www.postgresql.org/docs/15/transaction-iso.html#XACT-READ-COMMITTED
 */
const APPEND = `
  WITH RECURSIVE head AS MATERIALIZED (SELECT seq, hash FROM audit_head WHERE id = 1 FOR UPDATE),
  given AS MATERIALIZED (
    SELECT n, person_id, identity, action, command, input::jsonb AS input, outcome, request_id, run_id
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
      WITH ORDINALITY AS line (person_id, identity, action, command, input, outcome, request_id, run_id, n)),
  chain AS (
    SELECT 0::bigint AS n, seq, NULL::timestamptz AS at, '' AS previous_hash, hash FROM head
    UNION ALL
    SELECT n, seq, at, previous_hash, encode(sha256(convert_to(${HASHED}, 'UTF8')), 'hex') FROM (
      SELECT given.*, chain.seq + 1 AS seq, chain.hash AS previous_hash, clock.at FROM chain JOIN given ON given.n = chain.n + 1
        CROSS JOIN LATERAL (SELECT date_trunc('milliseconds', clock_timestamp()) AS at) AS clock) AS line),
  stored AS (
    INSERT INTO audit (seq, at, person_id, identity, action, command, input, outcome, request_id, run_id, previous_hash, hash)
    SELECT seq, at, person_id, identity, action, command, input, outcome, request_id, run_id, previous_hash, hash FROM chain JOIN given USING (n))
  UPDATE audit_head SET seq = last.seq, hash = last.hash FROM (SELECT seq, hash FROM chain ORDER BY n DESC LIMIT 1) AS last
  WHERE id = 1 RETURNING audit_head.seq`;

/** A process of a release that knew no head may still append: its lines are taken into the chain, which shows them if they do not fit. */
const CATCH_UP = `
  UPDATE audit_head SET seq = last.seq, hash = last.hash FROM (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1) AS last
  WHERE id = 1 AND audit_head.seq < last.seq`;
const UNIQUE_VIOLATION = "23505";
const TRIES = 50;

/**
 * The audit, on the table `audit`: a sequence without gaps, each line with the SHA-256 over the one before and itself. Lines that come while a
 * statement is under way go together into the next one.
 */
export function createAuditLog(pool: pg.Pool): AuditLog {
  return { append: createBatches((entries: readonly AuditEntry[]) => store(pool, entries), { linger_ms: LINGER_MS }) };
}

async function store(pool: pg.Pool, entries: readonly AuditEntry[], attempt = 1): Promise<undefined[]> {
  const column = <T>(pick: (entry: AuditEntry) => T) => entries.map(pick);
  const values = [
    column(({ person_id }) => person_id),
    column(({ identity }) => identity),
    column(({ action }) => action),
    column(({ command }) => command),
    column(({ input }) => input && toJsonb(input)),
    column(({ outcome }) => outcome),
    column(({ request_id }) => request_id),
    column(({ run_id }) => run_id),
  ];
  const moved = await query(pool, APPEND, values).catch(async (thrown: unknown) => {
    if (attempt === TRIES || !isTaken(thrown)) throw thrown;
    await query(pool, CATCH_UP);
    return null;
  });
  if (moved === null) return store(pool, entries, attempt + 1);
  if (moved.length === 0) throw new OpsError("internal", "the audit has no head any more: put the row of audit_head back from a backup");
  return entries.map(() => undefined);
}

function isTaken(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === UNIQUE_VIOLATION;
}
