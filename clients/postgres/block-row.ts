import type { Block, BlockRef } from "../../core/ledger.ts";

/** The columns that the driver gives as a `Date`. */
const TIMES = ["blocked_at", "expires_at", "released_at"] as const satisfies readonly (keyof Block)[];
type Time = (typeof TIMES)[number];

/** A row of the table `blocks`, as far as the core knows it. */
export type BlockRow = Omit<Block, Time> & Readonly<Record<Time, Date | null>>;

/** SQL: the columns of a `BlockRow`. */
export const BLOCK_COLUMNS = `block_id, version, scope, network, asked, state, rule_id, adopted, mark, reason, identity, run_id, released_by, release_run, tries, drift, ${TIMES.join(", ")}`;

/**
 * SQL: the row `rule` of the table `edge_rules` is a live block's, as `isRuleOf` of the core says. In two parts, each of which is found by an index.
 */
export const IS_OURS = `(
  EXISTS (SELECT FROM blocks WHERE blocks.scope = rule.scope AND blocks.rule_id = rule.rule_id AND state <> 'released')
  OR EXISTS (SELECT FROM blocks WHERE blocks.scope = rule.scope AND blocks.network = rule.network AND state <> 'released'
    AND blocks.rule_id IS NULL AND mark = rule.notes))`;

/** A row as the core knows it. */
export function toBlock({ blocked_at, expires_at, released_at, ...row }: BlockRow): Block {
  const at = (time: Date | null) => time?.toISOString() ?? null;
  return { ...row, blocked_at: at(blocked_at), expires_at: at(expires_at), released_at: at(released_at) };
}

/** The parameters of a statement that takes several blocks: their ids and versions. */
export function refs(blocks: readonly BlockRef[]): [ids: string[], versions: number[]] {
  return [blocks.map(({ block_id }) => block_id), blocks.map(({ version }) => version)];
}
