import type pg from "pg";
import type { EdgeRule } from "../../core/edge.ts";
import type { LedgerKeeping } from "../../core/ledger.ts";
import { BLOCK_COLUMNS, type BlockRow, IS_OURS, refs, toBlock } from "./block-row.ts";
import { createWishes, SETTLE_AFTER } from "./block-wishes.ts";
import { withoutNul } from "./json.ts";
import { query } from "./query.ts";

/** A release that died is gone on with so long after it began; its own next try comes earlier. */
const LIFT_AFTER = "interval '2 minutes'";
/** Who lifts what has expired. */
const EXPIRY = "expiry";

const NAMED = "(block_id, version) IN (SELECT * FROM unnest($1::bigint[], $2::int[]))";

const START_RELEASE = `
  WITH mine AS (
    SELECT * FROM blocks WHERE release_run = $2 AND network = ANY($1) AND state = 'released'),
  lifted AS (
    UPDATE blocks SET state = 'releasing', released_by = $3, release_run = $2, due_at = now() + ${LIFT_AFTER},
      -- The tries of this run are its own: the keeper begins anew.
      tries = 0, version = version + CASE WHEN release_run = $2 THEN 0 ELSE 1 END
    -- What was wished for anew since this run lifted it is not this run's any more.
    WHERE network = ANY($1) AND state <> 'released' AND NOT EXISTS (
      SELECT FROM mine WHERE mine.scope = blocks.scope AND mine.network = blocks.network)
    RETURNING *)
  SELECT ${BLOCK_COLUMNS} FROM (SELECT * FROM mine UNION ALL SELECT * FROM lifted) AS block ORDER BY network, scope`;

const ADOPT = `
  INSERT INTO blocks (scope, network, asked, state, rule_id, adopted, mark, reason, blocked_at, run_id, identity, person_id, released_by, release_run, due_at)
  SELECT scope, network, network, 'releasing', rule_id, true, 'release ' || $6, nullif(notes, ''), created_at, $6, $7, $8, $7, $6, now() + ${LIFT_AFTER}
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS rule(scope, network, rule_id, notes, created_at)
  ORDER BY scope, network
  ON CONFLICT (scope, network) WHERE state <> 'released' DO NOTHING
  RETURNING ${BLOCK_COLUMNS}`;

/** What has no rule of ours yet, or never had one. */
const WITHDRAW = `DELETE FROM blocks WHERE (state = 'pending' OR (state = 'releasing' AND adopted AND mark = 'release ' || run_id)) AND ${NAMED}`;

const FIND = `
  SELECT ${BLOCK_COLUMNS} FROM (
    SELECT DISTINCT ON (network, CASE WHEN state <> 'released' THEN scope END, state <> 'released') *
    FROM blocks WHERE network = ANY($1)
    ORDER BY network, CASE WHEN state <> 'released' THEN scope END, state <> 'released', block_id DESC) AS block
  ORDER BY network, state = 'released', scope`;

const DUE = `
  UPDATE blocks SET
    version = version + CASE WHEN state = 'blocked' THEN 1 ELSE 0 END,
    released_by = CASE WHEN state = 'blocked' THEN '${EXPIRY}' ELSE released_by END,
    release_run = CASE WHEN state = 'blocked' THEN NULL ELSE release_run END,
    tries = CASE WHEN state = 'blocked' THEN 0 ELSE tries END,
    due_at = now() + CASE WHEN state = 'pending' THEN ${SETTLE_AFTER} ELSE ${LIFT_AFTER} END,
    state = CASE WHEN state = 'blocked' THEN 'releasing' ELSE state END
  WHERE block_id IN (
    SELECT block_id FROM blocks WHERE due_at <= now() AND state <> 'released'
      -- A run that still goes on settles its own.
      AND NOT (state = 'pending' AND EXISTS (SELECT FROM runs WHERE runs.run_id = blocks.run_id AND finished_at IS NULL))
    ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
  RETURNING ${BLOCK_COLUMNS}`;

const KEEP_TRYING = `
  UPDATE blocks SET tries = tries + 1, due_at = now() + delay_ms * interval '1 millisecond'
  FROM unnest($1::bigint[], $2::int[], $3::float8[]) AS retry(id, version_then, delay_ms)
  WHERE block_id = id AND version = version_then AND state = 'releasing'`;

const LEAVE = `
  UPDATE blocks SET state = 'blocked', due_at = expires_at, tries = 0, released_by = NULL, release_run = NULL, version = version + 1
  WHERE state = 'releasing' AND rule_id IS NOT NULL AND ${NAMED}`;

/** What is gone is gone from what was last read, too: the list would take it for somebody else's rule. */
const RELEASED = `
  WITH gone AS (
    UPDATE blocks SET state = 'released', released_at = now(), due_at = NULL, drift = NULL WHERE state = 'releasing' AND ${NAMED} RETURNING scope, rule_id)
  DELETE FROM edge_rules USING gone WHERE edge_rules.scope = gone.scope AND edge_rules.rule_id = gone.rule_id`;

/**
 * The ledger of blocks, on the table `blocks`.
 * @param often the pool for what is asked with every block
 */
export function createLedger(pool: pg.Pool, often: pg.Pool = pool): LedgerKeeping {
  const blocks = async (sql: string, params: readonly unknown[]) => (await query<BlockRow>(pool, sql, params)).map(toBlock);
  return {
    ...createWishes(pool, often),
    async withdraw(given) {
      await query(pool, WITHDRAW, refs(given));
    },
    startRelease: (networks, { run_id, identity }) => blocks(START_RELEASE, [networks, run_id, identity]),
    adopt: (rules, { run_id, identity, person_id }) => blocks(ADOPT, [...ruleValues(rules), run_id, identity, person_id]),
    async leave(given) {
      await query(pool, LEAVE, refs(given));
    },
    async released(given) {
      await query(pool, RELEASED, refs(given));
    },
    async keepTrying(given) {
      await query(pool, KEEP_TRYING, [...refs(given), given.map(({ delay_ms }) => delay_ms)]);
    },
    find: (networks) => blocks(FIND, [networks]),
    within: (network) => within(pool, network),
    due: (limit) => blocks(DUE, [limit]),
  };
}

function ruleValues(rules: readonly EdgeRule[]): unknown[] {
  const columns = [rules.map(({ scope }) => scope), rules.map(({ network }) => network), rules.map(({ rule_id }) => rule_id)];
  return [...columns, rules.map(({ notes }) => withoutNul(notes)), rules.map(({ created_at }) => created_at)];
}

async function within(pool: pg.Pool, network: string): Promise<{ ours: number; foreign: number }> {
  const [row] = await query<{ ours: number; foreign: number }>(
    pool,
    `SELECT (SELECT count(*) FROM blocks WHERE state <> 'released' AND network::inet <<= $1::inet)::int AS ours,
       (SELECT count(*) FROM edge_rules AS rule WHERE mode = 'block' AND network::inet <<= $1::inet AND NOT ${IS_OURS})::int AS foreign`,
    [network],
  );
  return row ?? { ours: 0, foreign: 0 };
}
