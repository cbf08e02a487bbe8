import type pg from "pg";
import type { AuditLine, AuditReader, AuditVerdict } from "../../core/desk-ports.ts";
import { HASHED } from "./audit.ts";
import { query } from "./query.ts";

/** Lines checked by one statement: a fraction of a second of the server's time, and one row of ours. */
const BATCH = 20_000;

const LIST = `
  SELECT seq::float8 AS seq, at, person_id, identity, action, command, input, outcome, request_id, run_id FROM audit
  WHERE ($1::text IS NULL OR identity = $1) AND ($2::text IS NULL OR command = $2) AND ($3::timestamptz IS NULL OR at >= $3)
    AND ($4::bigint IS NULL OR seq < $4)
  ORDER BY seq DESC LIMIT $5`;

/** The head, and the last line that is there, of one moment. */
const ENDS = `
  SELECT head.seq::float8 AS seq, head.hash, coalesce((SELECT max(seq) FROM audit), 0)::float8 AS last
  FROM (VALUES (1)) AS one LEFT JOIN audit_head AS head ON true`;

/** The next lines from $1 to $2: the first that does not fit to the one before ($3: the hash before the first), how far it went, and the last hash. */
const CHECK = `
  WITH line AS (
    SELECT seq, hash, hash <> encode(sha256(convert_to(${HASHED}, 'UTF8')), 'hex')
      OR previous_hash <> coalesce(lag(hash) OVER (ORDER BY seq), $3) OR seq <> coalesce(lag(seq) OVER (ORDER BY seq), $1 - 1) + 1 AS broken
    FROM audit WHERE seq BETWEEN $1 AND $2)
  SELECT (SELECT min(seq) FROM line WHERE broken)::float8 AS broken, count(*)::int AS lines, (SELECT hash FROM line ORDER BY seq DESC LIMIT 1) AS hash
  FROM line`;

interface Ends {
  readonly seq: number | null;
  readonly hash: string | null;
  readonly last: number;
}

/** Reads the audit. Whatever its length, memory holds a page, or one row for a batch of lines. */
export function createAuditReader(pool: pg.Pool): AuditReader {
  return {
    async list({ identity, command, since, before, limit }) {
      const values = [identity ?? null, command ?? null, since ?? null, before ?? null, limit];
      const rows = await query<Omit<AuditLine, "at"> & { readonly at: Date }>(pool, LIST, values);
      return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
    },
    verify: (signal) => verify(pool, signal),
    async hashOf(seq) {
      const [row] = await query<{ hash: string }>(pool, "SELECT hash FROM audit WHERE seq = $1", [seq]);
      return row?.hash ?? null;
    },
  };
}

async function verify(pool: pg.Pool, signal: AbortSignal): Promise<AuditVerdict> {
  const [ends] = await query<Ends>(pool, ENDS);
  const last = ends?.last ?? 0;
  // Lines that are appended meanwhile are not looked at.
  let head = "";
  for (let from = 1; from <= last; from += BATCH) {
    signal.throwIfAborted();
    const checked = await check(pool, { from, to: Math.min(from + BATCH - 1, last), before: head });
    head = checked.head;
    if (checked.broken !== null) return { lines: last, head, broken: checked.broken };
  }
  return { lines: last, head, broken: ends ? brokenAtEnd(ends, head) : null };
}

interface Part {
  readonly from: number;
  readonly to: number;
  /** The hash of the line before the first. */
  readonly before: string;
}

async function check(pool: pg.Pool, { from, to, before }: Part): Promise<Pick<AuditVerdict, "head" | "broken">> {
  const [found] = await query<{ broken: number | null; lines: number; hash: string | null }>(pool, CHECK, [from, to, before]);
  const { broken, lines, hash } = found ?? { broken: null, lines: 0, hash: null };
  // Of lines that are missing at the end of a part nothing is seen in what is there.
  return { head: hash ?? before, broken: broken ?? (lines < to - from + 1 ? from + lines : null) };
}

/** Where the head knows of more lines, or of others, some were taken from the end or put there. */
function brokenAtEnd({ seq, hash, last }: Ends, head: string): number | null {
  if (seq === last) return hash === head ? null : last;
  return Math.min(seq ?? last, last) + 1;
}

/** The first line that is not as it was written, or null when the chain and its head hold. */
export async function firstBrokenLine(pool: pg.Pool): Promise<number | null> {
  return (await verify(pool, new AbortController().signal)).broken;
}
