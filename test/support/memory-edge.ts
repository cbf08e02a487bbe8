import type { BlockRule, Edge } from "../../core/ports.ts";
import type { TestClock } from "./clock.ts";

/** An edge in memory, and what an outsider can see and do there. */
export interface MemoryEdge extends Edge {
  /** The rules as they stand. */
  readonly rules: readonly BlockRule[];
  /** Makes a rule by hand, as in Cloudflare's own console. */
  hasRule(ip: string, notes: string): BlockRule;
  /** Deleted rules are still shown, as they are for a while where reads lag behind. */
  readonly lagging: { on: boolean };
}

/** Keeps one rule an address and adopts the one that is there, as Cloudflare's does. */
export function createMemoryEdge(clock: TestClock): MemoryEdge {
  const rules: BlockRule[] = [];
  const lagging = { on: false };
  let made = 0;
  const hasRule = (ip: string, notes: string): BlockRule => {
    const rule = { rule_id: `rule-${++made}`, ip, notes, created_at: clock.now().toISOString() };
    rules.push(rule);
    return rule;
  };
  return {
    rules,
    hasRule,
    lagging,
    find: async (ip) => rules.filter((rule) => rule.ip === ip),
    async block(ip, notes) {
      const rule = rules.find((candidate) => candidate.ip === ip);
      return rule ? { rule, created: rule.notes === notes } : { rule: hasRule(ip, notes), created: true };
    },
    async release(rule_id) {
      const at = rules.findIndex((rule) => rule.rule_id === rule_id);
      if (at >= 0 && !lagging.on) rules.splice(at, 1);
    },
  };
}
