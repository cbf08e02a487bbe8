import type pg from "pg";
import type { EdgeScope } from "../../core/edge.ts";
import type { ListEntry, RuleMirror } from "../../core/ledger.ts";
import { BLOCK_COLUMNS, type BlockRow, IS_OURS, toBlock } from "./block-row.ts";
import { withoutNul } from "./json.ts";
import { query } from "./query.ts";

/** A rule that was confirmed so shortly before a reading began may not have been shown yet. */
const SHOWN_AFTER = "interval '30 seconds'";

const KEEP = `
  INSERT INTO edge_rules AS r (scope, rule_id, network, mode, notes, created_at)
  SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
  ON CONFLICT (scope, rule_id) DO UPDATE SET mode = excluded.mode, notes = excluded.notes
  WHERE (r.mode, r.notes) IS DISTINCT FROM (excluded.mode, excluded.notes)`;

// Drift is of blocks that stand: their rule is gone, or does something else.
const MARK = `
  WITH judged AS (
    SELECT block_id AS id, CASE WHEN rule.rule_id IS NULL THEN 'missing' WHEN rule.mode <> 'block' THEN 'changed' END AS now_drift
    FROM blocks LEFT JOIN edge_rules AS rule ON rule.scope = blocks.scope AND rule.rule_id = blocks.rule_id
    WHERE blocks.scope = $1 AND state = 'blocked' AND blocked_at < $2::timestamptz - ${SHOWN_AFTER})
  UPDATE blocks SET drift = now_drift FROM judged
  WHERE block_id = id AND drift IS DISTINCT FROM now_drift AND state = 'blocked' RETURNING ${BLOCK_COLUMNS}`;

const COMPARE = `
  SELECT (SELECT CASE WHEN count(*) = cardinality($1::text[]) THEN min(read_at) END FROM edge_scopes WHERE scope = ANY($1::text[])) AS as_of,
    (SELECT count(*) FROM blocks WHERE scope = ANY($1::text[]) AND state <> 'released')::int AS ours,
    (SELECT count(*) FROM edge_rules AS rule WHERE scope = ANY($1::text[]) AND mode = 'block' AND NOT ${IS_OURS})::int AS foreign,
    (SELECT count(*) FROM blocks WHERE scope = ANY($1::text[]) AND state <> 'released' AND drift IS NOT NULL)::int AS drift`;

const ENTRIES = `
  SELECT network, scope, rule_id, 'ours' AS owner, drift, coalesce(blocked_at, created_at) AS since, identity, reason, expires_at
  FROM blocks WHERE scope = ANY($1::text[]) AND state <> 'released' AND ($2::text IN ('all', 'ours') OR ($2::text = 'drift' AND drift IS NOT NULL))
  UNION ALL
  SELECT network, scope, rule_id, 'foreign', NULL, created_at, NULL, notes, NULL
  FROM edge_rules AS rule WHERE scope = ANY($1::text[]) AND mode = 'block' AND $2::text IN ('all', 'foreign') AND NOT ${IS_OURS}`;

const LIST = `
  WITH entries AS (${ENTRIES})
  SELECT *, count(*) OVER ()::int AS total FROM entries ORDER BY since DESC NULLS LAST, network, scope OFFSET $3 LIMIT $4`;

interface EntryRow extends Omit<ListEntry, "since" | "expires_at"> {
  readonly since: Date | null;
  readonly expires_at: Date | null;
  readonly total: number;
}

/** The provider's rules as they were last read, on the tables `edge_rules` and `edge_scopes`. */
export function createRuleMirror(pool: pg.Pool): RuleMirror {
  return {
    async keep(scope, rules) {
      const kept = rules.filter(({ network }) => network !== "");
      await query(pool, KEEP, [
        ...[scope, kept.map(({ rule_id }) => rule_id), kept.map(({ network }) => network), kept.map(({ mode }) => mode)],
        ...[kept.map(({ notes }) => withoutNul(notes)), kept.map(({ created_at }) => created_at)],
      ]);
    },
    async finish(scope, { began, seen }) {
      await query(pool, "DELETE FROM edge_rules WHERE scope = $1 AND rule_id <> ALL($2::text[])", [scope, seen]);
      const marked = await query<BlockRow>(pool, MARK, [scope, began]);
      const done = "INSERT INTO edge_scopes (scope, read_at) VALUES ($1, $2) ON CONFLICT (scope) DO UPDATE SET read_at = excluded.read_at";
      await query(pool, done, [scope, began]);
      return marked.filter(({ drift }) => drift !== null).map(toBlock);
    },
    async clearDrift({ block_id, version }) {
      await query(pool, "UPDATE blocks SET drift = NULL WHERE block_id = $1 AND version = $2", [block_id, version]);
    },
    compare: (scopes) => compare(pool, scopes),
    async list({ scopes, kind, offset, limit }) {
      const rows = await query<EntryRow>(pool, LIST, [scopes, kind, offset, limit]);
      if (rows.length > 0 || offset === 0) return { entries: rows.map(toEntry), total: rows[0]?.total ?? 0 };
      // Past the end there is no row to carry the count.
      const [first] = await query<EntryRow>(pool, LIST, [scopes, kind, 0, 1]);
      return { entries: [], total: first?.total ?? 0 };
    },
  };
}

async function compare(pool: pg.Pool, scopes: readonly EdgeScope[]) {
  const [row] = await query<{ as_of: Date | null; ours: number; foreign: number; drift: number }>(pool, COMPARE, [scopes]);
  if (!row) return { as_of: null, ours: 0, foreign: 0, drift: 0 };
  return { ...row, as_of: row.as_of?.toISOString() ?? null };
}

function toEntry({ since, expires_at, total: _total, ...entry }: EntryRow): ListEntry {
  return { ...entry, since: since?.toISOString() ?? null, expires_at: expires_at?.toISOString() ?? null };
}
