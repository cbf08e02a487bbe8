import { type Comparison, isRuleOf, type ListEntry, type Reconciler, type RuleMirror } from "../../core/ledger.ts";
import type { TestClock } from "./clock.ts";
import type { MemoryEdge } from "./memory-edge.ts";
import type { createMemoryLedger } from "./memory-ledger.ts";

/** What the list shows, read anew each time: a mirror that is always fresh. */
export function createMemoryRules(
  clock: TestClock,
  edge: MemoryEdge,
  ledger: ReturnType<typeof createMemoryLedger>,
): Pick<RuleMirror, "list"> & Reconciler {
  const entries = (): ListEntry[] => {
    const live = ledger.blocks.filter(({ state }) => state !== "released");
    const ours = live.map(({ network, scope, rule_id, state, blocked_at, identity, reason, expires_at }): ListEntry => {
      const drift = state === "blocked" && !edge.rules.some((rule) => rule.rule_id === rule_id) ? "missing" : null;
      return { network, scope, rule_id, owner: "ours", drift, since: blocked_at, identity, reason, expires_at };
    });
    const foreign = edge.rules.filter((rule) => rule.mode === "block" && !live.some((block) => isRuleOf(rule, block)));
    const unknown = { owner: "foreign", drift: null, identity: null, expires_at: null } as const;
    return [
      ...ours,
      ...foreign.map(({ network, scope, rule_id, created_at, notes }) => ({
        ...unknown,
        network,
        scope,
        rule_id,
        since: created_at,
        reason: notes,
      })),
    ];
  };
  const ofKind = (kind: string) =>
    entries().filter(({ owner, drift }) => kind === "all" || (kind === "drift" ? drift !== null : owner === kind));
  return {
    async list({ kind, offset, limit }) {
      const found = ofKind(kind);
      return { entries: found.slice(offset, offset + limit), total: found.length };
    },
    async refresh(): Promise<Comparison> {
      return {
        as_of: clock.now().toISOString(),
        ours: ofKind("ours").length,
        foreign: ofKind("foreign").length,
        drift: ofKind("drift").length,
      };
    },
  };
}
