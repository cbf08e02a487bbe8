import type pg from "pg";
import type { EdgeRule } from "../../core/edge.ts";
import type { Block, BlockRef, BlockWish, Ledger } from "../../core/ledger.ts";
import { createBatches } from "../batches.ts";
import { BLOCK_COLUMNS, type BlockRow, toBlock } from "./block-row.ts";
import { toJsonb } from "./json.ts";
import { query } from "./query.ts";

/**
 * A wish whose run ended without confirming it (it was cancelled, or given up) is looked after so long after it began: longer than the calls of one
 * operation, three of 10 s, may still be on their way.
 */
export const SETTLE_AFTER = "interval '1 minute'";

/** SQL: the wish that stands is over: it is being lifted, or its run has ended without having made the rule. What is wished for then is a new wish. */
const IS_OVER = `(b.state = 'releasing' OR (b.state = 'pending' AND NOT EXISTS (SELECT FROM runs WHERE runs.run_id = b.run_id AND finished_at IS NULL)))`;

/** $1 are places, each with its wish; no place twice, for a row cannot be wished for twice by one statement. */
const INTEND = `
  WITH place AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS p(scope text, network text, asked text, run_id text, identity text, person_id text, reason text,
      mark text, for_ms float8)),
  mine AS (
    SELECT place.run_id AS wished_by, blocks.* FROM blocks JOIN place USING (scope, network, run_id)),
  -- What somebody asked to lift after this run was asked for: theirs is the later wish, also when this run comes again and had only extended.
  overruled AS (
    SELECT last.* FROM (
      SELECT DISTINCT ON (place.run_id, scope, network) place.run_id AS wished_by, blocks.* FROM blocks JOIN place USING (scope, network)
      ORDER BY place.run_id, scope, network, state = 'released', block_id DESC) AS last
    JOIN runs AS lifting ON lifting.run_id = last.release_run JOIN runs AS own ON own.run_id = last.wished_by
    WHERE last.state IN ('releasing', 'released') AND lifting.created_at > own.created_at
      AND NOT EXISTS (
        SELECT FROM mine WHERE mine.wished_by = last.wished_by AND mine.scope = last.scope AND mine.network = last.network)),
  settled AS (
    SELECT * FROM mine UNION ALL SELECT * FROM overruled),
  fresh AS (
    SELECT * FROM place WHERE NOT EXISTS (
      SELECT FROM settled WHERE settled.wished_by = place.run_id AND settled.scope = place.scope AND settled.network = place.network)),
  wished AS (
    INSERT INTO blocks AS b (scope, network, asked, run_id, identity, person_id, reason, mark, expires_at, due_at)
    SELECT scope, network, asked, run_id, identity, person_id, reason, mark, now() + for_ms * interval '1 millisecond', now() + ${SETTLE_AFTER}
    FROM fresh
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
    RETURNING *),
  block AS (
    SELECT * FROM settled UNION ALL SELECT fresh.run_id, wished.* FROM wished JOIN fresh USING (scope, network))
  SELECT DISTINCT ON (wished_by, scope, network) wished_by, ${BLOCK_COLUMNS} FROM block ORDER BY wished_by, scope, network, block_id DESC`;

/** $1 are the rules, $2 the ids of their blocks: with them the server finds the rows by these, however few or many it takes them to be. */
// It is not waited for until it is on disk: a server that loses it in a power cut has the wish, and the rule is found by that wish's mark. The end of
// the run, which is waited for, is written after it.
const CONFIRM = `
  WITH unawaited AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
  UPDATE blocks SET state = 'blocked', rule_id = made.rule_id, adopted = (notes <> mark), blocked_at = coalesce(made.created_at, now()), drift = NULL,
    -- A rule that somebody else made has no end of its own, and gets none from us.
    expires_at = CASE WHEN notes <> mark THEN NULL ELSE expires_at END, due_at = CASE WHEN notes <> mark THEN NULL ELSE expires_at END
  FROM json_to_recordset($1::json) AS made(id bigint, version_then int, rule_id text, notes text, created_at timestamptz), unawaited
  WHERE block_id = ANY($2::bigint[]) AND block_id = made.id AND version = version_then AND state IN ('pending', 'blocked') RETURNING ${BLOCK_COLUMNS.replace("rule_id", "blocks.rule_id")}`;

/** A rule that was made for a wish, or adopted. */
interface Made {
  readonly block: BlockRef;
  readonly rule: Pick<EdgeRule, "rule_id" | "notes" | "created_at">;
}

/** A wish for more places than this is stored alone, by a plan that suits so many. */
const FEW = 8;

/**
 * Wishing for blocks and confirming them: what every block does, so those that come at once are stored at once.
 * @param often the pool for what is asked with every block
 */
export function createWishes(pool: pg.Pool, often: pg.Pool): Pick<Ledger, "intend" | "confirm"> {
  const confirm = createBatches((made: readonly Made[]) => confirmAll(often, made));
  const intend = createBatches((wishes: readonly BlockWish[]) => intendAll(often, wishes));
  return {
    intend: (wish) => (wish.places.length > FEW ? intendTogether(pool, [wish]).then(([blocks = []]) => blocks) : intend(wish)),
    confirm: (block, rule) => confirm({ block, rule }),
  };
}

/** Those that wish for the same place go one after the other. @returns the blocks of each wish, in the order of its places */
async function intendAll(pool: pg.Pool, wishes: readonly BlockWish[]): Promise<Block[][]> {
  const stored = new Map<BlockWish, Block[]>();
  for (let left = wishes; left.length > 0; left = left.filter((wish) => !stored.has(wish))) {
    const taken = new Set<string>();
    const round = left.filter(({ places }) => {
      const keys = places.map(({ scope, network }) => `${scope} ${network}`);
      const isFree = keys.every((key) => !taken.has(key));
      if (isFree) for (const key of keys) taken.add(key);
      return isFree;
    });
    const blocks = await intendTogether(pool, round);
    for (const [at, wish] of round.entries()) stored.set(wish, blocks[at] ?? []);
  }
  return wishes.map((wish) => stored.get(wish) ?? []);
}

async function intendTogether(pool: pg.Pool, wishes: readonly BlockWish[]): Promise<Block[][]> {
  const given = wishes.flatMap(({ places, ...wish }) => places.map((place) => ({ ...wish, ...place })));
  const rows = await query<BlockRow & { readonly wished_by: string }>(pool, INTEND, [toJsonb(given)]);
  const found = new Map(rows.map(({ wished_by, ...row }) => [`${wished_by} ${row.scope} ${row.network}`, toBlock(row)]));
  return wishes.map(({ run_id, places }) => places.flatMap(({ scope, network }) => found.get(`${run_id} ${scope} ${network}`) ?? []));
}

/** @returns of each rule its block as it stands now; null where it was wished for anew or released meanwhile */
async function confirmAll(pool: pg.Pool, made: readonly Made[]): Promise<(Block | null)[]> {
  const given = made.map(({ block: { block_id, version }, rule: { rule_id, notes, created_at } }) => ({
    ...{ id: block_id, version_then: version, rule_id, notes, created_at },
  }));
  const rows = await query<BlockRow>(pool, CONFIRM, [toJsonb(given), made.map(({ block }) => block.block_id)]);
  const confirmed = new Map(rows.map((row) => [row.block_id, toBlock(row)]));
  return made.map(({ block }) => {
    const found = confirmed.get(block.block_id);
    return found?.version === block.version ? found : null;
  });
}
