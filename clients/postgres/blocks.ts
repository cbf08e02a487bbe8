import type pg from "pg";
import type { EdgeRule } from "../../core/edge.ts";
import type { Block, BlockWish, LedgerKeeping } from "../../core/ledger.ts";
import { BLOCK_COLUMNS, type BlockRow, refs, toBlock } from "./block-row.ts";
import { withoutNul } from "./json.ts";
import { query } from "./query.ts";

/** A run that died without confirming is looked after so long after it began; its own next try comes earlier. */
const SETTLE_AFTER = "interval '10 minutes'";
/** A release that died is gone on with so long after it began; its own next try comes earlier. */
const LIFT_AFTER = "interval '2 minutes'";
/** Who lifts what has expired. */
const EXPIRY = "expiry";

/** SQL: the wish that stands is over: it is being lifted, or its run has ended without having made the rule. What is wished for then is a new wish. */
const IS_OVER = `(b.state = 'releasing' OR (b.state = 'pending' AND NOT EXISTS (SELECT FROM runs WHERE runs.run_id = b.run_id AND finished_at IS NULL)))`;

const NAMED = "(block_id, version) IN (SELECT * FROM unnest($1::bigint[], $2::int[]))";

const INTEND = `
  WITH place AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS p(scope, network, asked)),
  mine AS (
    SELECT blocks.* FROM blocks JOIN place USING (scope, network) WHERE run_id = $4),
  -- What somebody asked to lift after this run was asked for: theirs is the later wish, also when this run comes again and had only extended.
  overruled AS (
    SELECT last.* FROM (
      SELECT DISTINCT ON (scope, network) blocks.* FROM blocks JOIN place USING (scope, network)
      ORDER BY scope, network, state = 'released', block_id DESC) AS last
    JOIN runs AS lifting ON lifting.run_id = last.release_run JOIN runs AS own ON own.run_id = $4
    WHERE last.state IN ('releasing', 'released') AND lifting.created_at > own.created_at
      AND NOT EXISTS (SELECT FROM mine WHERE mine.scope = last.scope AND mine.network = last.network)),
  settled AS (
    SELECT * FROM mine UNION ALL SELECT * FROM overruled),
  wished AS (
    INSERT INTO blocks AS b (scope, network, asked, run_id, identity, person_id, reason, mark, expires_at, due_at)
    SELECT scope, network, asked, $4, $5, $6, $7, $8, now() + $9::float8 * interval '1 millisecond', now() + ${SETTLE_AFTER}
    FROM place WHERE NOT EXISTS (SELECT FROM settled WHERE settled.scope = place.scope AND settled.network = place.network)
    -- Those who wish the same at once lock the rows in the same order.
    ORDER BY scope, network
    ON CONFLICT (scope, network) WHERE state <> 'released' DO UPDATE SET
      -- What is being lifted is wished for anew; what stands is extended, never shortened.
      expires_at = CASE WHEN ${IS_OVER} THEN excluded.expires_at
        WHEN b.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL ELSE greatest(b.expires_at, excluded.expires_at) END,
      due_at = CASE WHEN b.state = 'blocked' THEN (
        CASE WHEN excluded.expires_at IS NULL OR b.expires_at IS NULL THEN NULL ELSE greatest(b.expires_at, excluded.expires_at) END)
        ELSE excluded.due_at END,
      reason = CASE WHEN ${IS_OVER} THEN excluded.reason ELSE coalesce(b.reason, excluded.reason) END,
      mark = CASE WHEN ${IS_OVER} THEN excluded.mark ELSE b.mark END,
      asked = CASE WHEN ${IS_OVER} THEN excluded.asked ELSE b.asked END,
      run_id = CASE WHEN ${IS_OVER} THEN excluded.run_id ELSE b.run_id END,
      identity = CASE WHEN ${IS_OVER} THEN excluded.identity ELSE b.identity END,
      person_id = CASE WHEN ${IS_OVER} THEN excluded.person_id ELSE b.person_id END,
      version = CASE WHEN ${IS_OVER} THEN b.version + 1 ELSE b.version END,
      blocked_at = CASE WHEN ${IS_OVER} THEN NULL ELSE b.blocked_at END,
      tries = 0, released_by = NULL, release_run = NULL,
      state = CASE WHEN ${IS_OVER} THEN 'pending' ELSE b.state END
    RETURNING *)
  SELECT DISTINCT ON (scope, network) ${BLOCK_COLUMNS} FROM (SELECT * FROM settled UNION ALL SELECT * FROM wished) AS block
  ORDER BY scope, network, block_id DESC`;

const CONFIRM = `
  UPDATE blocks SET state = 'blocked', rule_id = $3, adopted = ($4 <> mark), blocked_at = coalesce($5::timestamptz, now()), drift = NULL,
    -- A rule that somebody else made has no end of its own, and gets none from us.
    expires_at = CASE WHEN $4 <> mark THEN NULL ELSE expires_at END, due_at = CASE WHEN $4 <> mark THEN NULL ELSE expires_at END
  WHERE block_id = $1 AND version = $2 AND state IN ('pending', 'blocked') RETURNING ${BLOCK_COLUMNS}`;

const START_RELEASE = `
  WITH mine AS (
    SELECT * FROM blocks WHERE release_run = $2 AND network = ANY($1) AND state = 'released'),
  lifted AS (
    UPDATE blocks SET state = 'releasing', released_by = $3, release_run = $2, due_at = now() + ${LIFT_AFTER},
      tries = CASE WHEN release_run = $2 THEN tries ELSE 0 END, version = version + CASE WHEN release_run = $2 THEN 0 ELSE 1 END
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
const WITHDRAW = `DELETE FROM blocks WHERE (state = 'pending' OR (state = 'releasing' AND run_id = release_run)) AND ${NAMED}`;

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

/** What is gone is gone from what was last read, too: the list would take it for somebody else's rule. */
const RELEASED = `
  WITH gone AS (
    UPDATE blocks SET state = 'released', released_at = now(), due_at = NULL, drift = NULL WHERE state = 'releasing' AND ${NAMED} RETURNING scope, rule_id)
  DELETE FROM edge_rules USING gone WHERE edge_rules.scope = gone.scope AND edge_rules.rule_id = gone.rule_id`;

/** The ledger of blocks, on the table `blocks`. */
export function createLedger(pool: pg.Pool): LedgerKeeping {
  const blocks = async (sql: string, params: readonly unknown[]) => (await query<BlockRow>(pool, sql, params)).map(toBlock);
  return {
    intend: (wish) => blocks(INTEND, wishValues(wish)).then((found) => inOrder(wish, found)),
    async confirm({ block_id, version }, { rule_id, notes, created_at }) {
      const [block] = await blocks(CONFIRM, [block_id, version, rule_id, withoutNul(notes), created_at]);
      return block ?? null;
    },
    async withdraw(given) {
      await query(pool, WITHDRAW, refs(given));
    },
    startRelease: (networks, { run_id, identity }) => blocks(START_RELEASE, [networks, run_id, identity]),
    adopt: (rules, { run_id, identity, person_id }) => blocks(ADOPT, [...ruleValues(rules), run_id, identity, person_id]),
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

function wishValues({ places, run_id, identity, person_id, reason, mark, for_ms }: BlockWish): unknown[] {
  const columns = [places.map(({ scope }) => scope), places.map(({ network }) => network), places.map(({ asked }) => asked)];
  return [...columns, run_id, identity, person_id, reason && withoutNul(reason), withoutNul(mark), for_ms];
}

function ruleValues(rules: readonly EdgeRule[]): unknown[] {
  const columns = [rules.map(({ scope }) => scope), rules.map(({ network }) => network), rules.map(({ rule_id }) => rule_id)];
  return [...columns, rules.map(({ notes }) => withoutNul(notes)), rules.map(({ created_at }) => created_at)];
}

function inOrder({ places }: BlockWish, found: readonly Block[]): Block[] {
  const byPlace = new Map(found.map((block) => [`${block.scope} ${block.network}`, block]));
  return places.flatMap(({ scope, network }) => byPlace.get(`${scope} ${network}`) ?? []);
}

async function within(pool: pg.Pool, network: string): Promise<{ ours: number; foreign: number }> {
  const [row] = await query<{ ours: number; foreign: number }>(
    pool,
    `SELECT (SELECT count(*) FROM blocks WHERE state <> 'released' AND network::inet <<= $1::inet)::int AS ours,
       (SELECT count(*) FROM edge_rules AS rule WHERE mode = 'block' AND network::inet <<= $1::inet
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.scope = rule.scope AND blocks.rule_id = rule.rule_id AND state <> 'released'))::int AS foreign`,
    [network],
  );
  return row ?? { ours: 0, foreign: 0 };
}
