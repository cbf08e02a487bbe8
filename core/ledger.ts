import type { EdgeRule, EdgeScope } from "./edge.ts";

/**
 * The states of a block. `pending`: wished for, not confirmed by the provider yet. `releasing`: to be lifted, not read back as gone yet.
 * `released` is its end; the row stays as history.
 */
export type BlockState = "pending" | "blocked" | "releasing" | "released";

/** How the provider's rules differ from the ledger: the rule is gone, or does something else than block. */
export type Drift = "missing" | "changed";

/** One block of one network in one scope: who wished it, why, by which rule, and until when. Times are RFC 3339 UTC. */
export interface Block {
  readonly block_id: string;
  /** Counts the wishes about this row: what was begun for an older one must not be confirmed any more. */
  readonly version: number;
  readonly scope: EdgeScope;
  /** A network that one rule can be made for. */
  readonly network: string;
  /** What was asked for, of which this is a piece. */
  readonly asked: string;
  readonly state: BlockState;
  readonly rule_id: string | null;
  /** Whether the rule was made by somebody else and taken over as ours. */
  readonly adopted: boolean;
  /** The notes of the rule we make; no other run writes the same. */
  readonly mark: string;
  readonly reason: string | null;
  readonly identity: string;
  readonly run_id: string;
  readonly blocked_at: string | null;
  /** Null: until it is lifted. */
  readonly expires_at: string | null;
  readonly released_at: string | null;
  /** Who lifted it; `expiry` when its time was over. */
  readonly released_by: string | null;
  readonly release_run: string | null;
  /** How often lifting it was tried in vain. */
  readonly tries: number;
  readonly drift: Drift | null;
}

/**
 * Whether the rule is the block's: the one it holds or, as long as none is confirmed, the one that was made for it, which carries its mark. The run
 * that made it may have been cut off before it heard of it.
 */
export function isRuleOf(
  rule: EdgeRule,
  { scope, network, rule_id, mark }: Pick<Block, "scope" | "network" | "rule_id" | "mark">,
): boolean {
  if (rule.scope !== scope) return false;
  return rule_id === null ? rule.network === network && rule.notes === mark : rule.rule_id === rule_id;
}

/** One block as it was when it was read. */
export type BlockRef = Pick<Block, "block_id" | "version">;

/** A block that could not be lifted, and when the keeper tries again: after so many milliseconds. */
export interface LiftRetry extends BlockRef {
  readonly delay_ms: number;
}

/** A network that is to be blocked in a scope. */
export interface Place {
  readonly scope: EdgeScope;
  readonly network: string;
  readonly asked: string;
}

/** What a run wishes to be blocked. */
export interface BlockWish {
  /** Each place once. */
  readonly places: readonly Place[];
  readonly run_id: string;
  readonly identity: string;
  readonly person_id: string;
  readonly reason: string | null;
  readonly mark: string;
  /** How long, in milliseconds; null: until it is lifted. */
  readonly for_ms: number | null;
}

/** Who lifts blocks. */
export interface Releaser {
  readonly run_id: string;
  readonly identity: string;
  readonly person_id: string;
}

/** The ledger: what is to be blocked, whatever the provider says at the moment. One live row for each network and scope. */
export interface Ledger {
  /**
   * Writes down what is to be blocked, before anything is asked of the provider. Where a block lives already it is extended, never shortened;
   * one that is being lifted is wished for anew. What this very run wrote before stays as it is, also when it was lifted meanwhile; and so does
   * what somebody asked to lift after this run was asked for, whosever block it was: theirs is the later wish.
   * @returns one block for each place
   */
  intend(wish: BlockWish): Promise<readonly Block[]>;
  /**
   * The rule is there. One that somebody else made is adopted and stays until it is lifted by hand.
   * @returns the block, or null when it was wished to be lifted meanwhile: then the rule is to be removed again
   */
  confirm(block: BlockRef, rule: Pick<EdgeRule, "rule_id" | "notes" | "created_at">): Promise<Block | null>;
  /** The rule cannot be made, or a rule of somebody else not be removed: a block that was never confirmed, or is one from `adopt`, is forgotten. */
  withdraw(blocks: readonly BlockRef[]): Promise<void>;
  /** The live blocks of exactly these networks are to be lifted. @returns them, and those that this run has lifted before */
  startRelease(networks: readonly string[], by: Releaser): Promise<readonly Block[]>;
  /**
   * Rules of others are to be lifted: each becomes a block of the ledger before it is removed, with its notes as the reason, so that whoever dies
   * in between is followed. None where a block lives already.
   * @returns those that were written down
   */
  adopt(rules: readonly EdgeRule[], by: Releaser): Promise<readonly Block[]>;
  /** They cannot be lifted, and nobody is to try on: they stand as before. Those that no rule is known of are tried on all the same. */
  leave(blocks: readonly BlockRef[]): Promise<void>;
  /** They were read back as gone. */
  released(blocks: readonly BlockRef[]): Promise<void>;
  /** They could not be lifted, or not be read back as gone: the keeper tries again. */
  keepTrying(blocks: readonly LiftRetry[]): Promise<void>;
  /** The live blocks of exactly these networks, and of each network that has none the one that was lifted last. */
  find(networks: readonly string[]): Promise<readonly Block[]>;
  /** How many live blocks, and how many rules of others as of the last reconciliation, lie within a network. */
  within(network: string): Promise<{ readonly ours: number; readonly foreign: number }>;
}

/** The part of the ledger that the keeper works on: blocks whose time has come. */
export interface LedgerKeeping extends Ledger {
  /**
   * Blocks that are due, each not again for a while: expired ones (which are `releasing` from now on), those that could not be lifted yet, and
   * those that were wished for long ago and never confirmed.
   */
  due(limit: number): Promise<readonly Block[]>;
}

/** Which entries of the list are wanted: our live blocks, rules of others, or blocks whose rule is gone or changed. */
export const LIST_KINDS = ["all", "ours", "foreign", "drift"] as const;

/** Which entries of the list are wanted. */
export type ListKind = (typeof LIST_KINDS)[number];

/** A line of the list: a rule of the provider's, or a block of the ledger whose rule is gone. */
export interface ListEntry {
  readonly network: string;
  readonly scope: EdgeScope;
  readonly rule_id: string | null;
  readonly owner: "ours" | "foreign";
  readonly drift: Drift | null;
  readonly since: string | null;
  readonly identity: string | null;
  /** Our reason, or the notes of a rule that is not ours. */
  readonly reason: string | null;
  readonly expires_at: string | null;
}

/** How the provider's rules compare with the ledger. */
export interface Comparison {
  /** When the rules were read, RFC 3339; null when they never were. */
  readonly as_of: string | null;
  readonly ours: number;
  readonly foreign: number;
  readonly drift: number;
}

/** What the provider holds, as it was last read, side by side with the ledger. */
export interface RuleMirror {
  /** One page of a scope's rules, of whatever mode. */
  keep(scope: EdgeScope, rules: readonly EdgeRule[]): Promise<void>;
  /**
   * The reading of a scope is complete: rules that were not seen are forgotten, and blocks whose rule is missing or changed are marked.
   * @param began when the reading began, RFC 3339: what was confirmed since is not missing
   * @param seen the ids of all rules of the scope
   * @returns the blocks that are newly marked
   */
  finish(scope: EdgeScope, reading: { readonly began: string; readonly seen: readonly string[] }): Promise<readonly Block[]>;
  /** A marked block's rule is there after all. */
  clearDrift(block: BlockRef): Promise<void>;
  compare(scopes: readonly EdgeScope[]): Promise<Comparison>;
  /** A page of the list, newest first. */
  list(query: {
    readonly scopes: readonly EdgeScope[];
    readonly kind: ListKind;
    readonly offset: number;
    readonly limit: number;
  }): Promise<{ readonly entries: readonly ListEntry[]; readonly total: number }>;
}

/** Reads the provider's rules now and then, and on demand. */
export interface Reconciler {
  /**
   * Makes sure that the mirror is not older than this. Several who ask at once share one reading, over all processes.
   * @throws OpsError as the edge's `list` does
   */
  refresh(max_age_ms: number, signal: AbortSignal): Promise<Comparison>;
}
