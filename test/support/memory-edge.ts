import type { Edge, EdgeRule, EdgeScope } from "../../core/edge.ts";
import { contains } from "../../core/networks.ts";
import type { TestClock } from "./clock.ts";

/** The zone of the test desk. */
export const ZONE: EdgeScope = "zone:1";

/** An edge in memory, and what an outsider can see and do there. */
export interface MemoryEdge extends Edge {
  readonly scopes: EdgeScope[];
  /** The rules as they stand. */
  readonly rules: readonly EdgeRule[];
  /** Makes a rule by hand, as in Cloudflare's own console. */
  hasRule(network: string, notes: string, more?: Partial<EdgeRule>): EdgeRule;
  /** Removes a rule by hand. */
  loses(rule_id: string): void;
  /** Deleted rules are still shown, as they are for a while where reads lag behind. */
  readonly lagging: { on: boolean };
}

/** Keeps one rule for each network and scope, and adopts the one that is there, as Cloudflare's does. */
export function createMemoryEdge(clock: TestClock): MemoryEdge {
  let rules: EdgeRule[] = [];
  const scopes: EdgeScope[] = [ZONE];
  const lagging = { on: false };
  let made = 0;
  const hasRule = (network: string, notes: string, more: Partial<EdgeRule> = {}): EdgeRule => {
    const rule = { scope: ZONE, rule_id: `rule-${++made}`, network, mode: "block", notes, created_at: clock.now().toISOString(), ...more };
    rules.push(rule);
    return rule;
  };
  const loses = (rule_id: string) => {
    rules = rules.filter((rule) => rule.rule_id !== rule_id);
  };
  return {
    scopes,
    hasRule,
    lagging,
    loses,
    get rules() {
      return rules;
    },
    lookUp: async (networks) => new Map(networks.map((network) => [network, rules.filter((rule) => contains(rule.network, network))])),
    async block({ scope, network, notes }) {
      const rule = rules.find((each) => each.scope === scope && each.network === network);
      return rule ? { rule, created: rule.notes === notes } : { rule: hasRule(network, notes, { scope }), created: true };
    },
    get: async ({ rule_id }) => rules.find((rule) => rule.rule_id === rule_id) ?? null,
    async release({ rule_id }) {
      if (!lagging.on) loses(rule_id);
    },
    async *list(scope) {
      yield rules.filter((rule) => rule.scope === scope);
    },
  };
}
