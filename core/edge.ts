/** Where a rule holds: one zone or a whole account, `zone:<id>` or `account:<id>`, as the provider names them. */
export type EdgeScope = `zone:${string}` | `account:${string}`;

/**
 * Whose work a call is. Interactive work may use the whole budget of the token; long lists and what runs by itself may use a part of it
 * only, so that somebody who waits for one address is served although a thousand others are being dealt with.
 */
export type EdgeLane = "interactive" | "bulk" | "background";

/** How a call is made: for whom, and what ends it. */
export interface EdgeCall {
  readonly lane: EdgeLane;
  readonly signal: AbortSignal;
}

/** A rule as the provider holds it, of whatever mode and whoever made it. */
export interface EdgeRule {
  readonly scope: EdgeScope;
  readonly rule_id: string;
  /**
   * Canonical address or CIDR (`203.0.113.7`, `203.0.113.0/24`, `2001:db8::/48`), also of a length that no rule can be made with any more. Rules
   * about countries and networks' numbers are left out of every answer.
   */
  readonly network: string;
  /** `block`, or another thing that is done with the traffic (`challenge`, `whitelist`, ...). */
  readonly mode: string;
  readonly notes: string;
  /** RFC 3339. */
  readonly created_at: string | null;
}

/**
 * The network's edge (Cloudflare's IP access rules) in every scope that is set up. Networks are canonical, and ranges have a length that the
 * provider takes (`core/networks.ts`). Every method throws an OpsError: `rate_limited` (by the provider or by our own budget; nothing was
 * changed; with `retry_after_ms` where it is known), `upstream_unavailable` (nothing was changed, or it was looked up that nothing is),
 * `upstream_refused`, `unavailable` (the budget could not be asked), and those that change something `outcome_unknown` where the answer was lost
 * and what came of it could not be looked up; with `retry_after_ms` where that is to wait.
 */
export interface Edge {
  readonly scopes: readonly EdgeScope[];
  /**
   * The rules, of whatever mode, that hold for each of these networks in any scope: exactly, or by a range that contains it. A zone's answer has
   * the account's rules too, under the account's scope. It asks for each one, or reads everything page by page and keeps only what fits,
   * whichever takes fewer calls.
   * @returns a list for each network that was asked for, empty where nothing holds
   */
  lookUp(networks: readonly string[], call: EdgeCall): Promise<ReadonlyMap<string, readonly EdgeRule[]>>;
  /**
   * Makes a rule that blocks the network, or adopts the one that is there (a duplicate is success; one of another mode is `upstream_refused`). Of
   * two who ask for one network and scope at once, the second is given the first one's rule.
   * @param rule.notes must be the run's own: a rule with exactly these notes counts as made by this run (`created`), which is how a repeated
   *   call, or one whose answer was lost, finds its work done. The provider may keep only their beginning.
   */
  block(
    rule: { readonly scope: EdgeScope; readonly network: string; readonly notes: string },
    call: EdgeCall,
  ): Promise<{ readonly rule: EdgeRule; readonly created: boolean }>;
  /** One rule; null when it is gone. */
  get(rule: Pick<EdgeRule, "scope" | "rule_id">, call: EdgeCall): Promise<EdgeRule | null>;
  /** Removes a rule; one that is gone already is no error. */
  release(rule: Pick<EdgeRule, "scope" | "rule_id">, call: EdgeCall): Promise<void>;
  /** Every rule of a scope, of whatever mode, page by page; memory holds one page. A rule may come twice where others are removed meanwhile. */
  list(scope: EdgeScope, call: EdgeCall): AsyncIterable<readonly EdgeRule[]>;
}
