import type { EdgeScope } from "../../core/edge.ts";
import type { Block, BlockRef, BlockState, Drift } from "../../core/ledger.ts";

/** A row of the table `blocks`. */
export interface BlockRow {
  readonly block_id: string;
  readonly version: number;
  readonly scope: string;
  readonly network: string;
  readonly asked: string;
  readonly state: BlockState;
  readonly rule_id: string | null;
  readonly adopted: boolean;
  readonly mark: string;
  readonly reason: string | null;
  readonly identity: string;
  readonly run_id: string;
  readonly blocked_at: Date | null;
  readonly expires_at: Date | null;
  readonly released_at: Date | null;
  readonly released_by: string | null;
  readonly release_run: string | null;
  readonly tries: number;
  readonly drift: Drift | null;
}

/** SQL: the columns of a `BlockRow`. */
export const BLOCK_COLUMNS =
  "block_id, version, scope, network, asked, state, rule_id, adopted, mark, reason, identity, run_id, blocked_at, expires_at, released_at, released_by, release_run, tries, drift";

/** A row as the core knows it. */
export function toBlock(row: BlockRow): Block {
  const { block_id, version, network, asked, state, rule_id, adopted, mark, reason, identity, run_id, tries, drift } = row;
  const { released_by, release_run } = row;
  return {
    ...{ block_id, version, network, asked, state, rule_id, adopted, mark, reason, identity, run_id, tries, drift },
    ...{ released_by, release_run, scope: row.scope as EdgeScope },
    blocked_at: row.blocked_at?.toISOString() ?? null,
    expires_at: row.expires_at?.toISOString() ?? null,
    released_at: row.released_at?.toISOString() ?? null,
  };
}

/** The parameters of a statement that takes several blocks: their ids and versions. */
export function refs(blocks: readonly BlockRef[]): [ids: string[], versions: number[]] {
  return [blocks.map(({ block_id }) => block_id), blocks.map(({ version }) => version)];
}
