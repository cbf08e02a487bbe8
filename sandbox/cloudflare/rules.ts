import { duplicate, notValid } from "./refusal.ts";
import { type Configuration, MODES, readConfiguration, readMode } from "./values.ts";

/** Where a rule holds. */
export interface Scope {
  readonly type: "zone" | "account" | "user";
  readonly id: string;
}

/** An IP access rule as the API shows it. */
export interface Rule {
  readonly id: string;
  readonly paused: boolean;
  /** RFC 3339. */
  readonly created_on: string;
  readonly modified_on: string;
  readonly allowed_modes: readonly string[];
  readonly mode: (typeof MODES)[number];
  readonly notes: string;
  readonly configuration: Configuration;
  readonly scope: Scope;
}

/** One fact that became true; the rules are the sum of all of them. */
export type Change = { readonly type: "rule"; readonly rule: Rule } | { readonly type: "deleted"; readonly rule_id: string };

/** The rules of all scopes. */
export interface Rules {
  get(scope: Scope, id: string): Rule | undefined;
  /** The rules of a scope, oldest first. */
  list(scope: Scope): readonly Rule[];
  all(): readonly Rule[];
  /** Whether the scope has a rule for this already. */
  has(scope: Scope, configuration: Configuration): boolean;
  apply(change: Change): void;
}

const keyOf = ({ type, id }: Scope, { target, value }: Configuration) => `${type} ${id} ${target} ${value}`;

/** Makes an empty set of rules. */
export function createRules(): Rules {
  const byId = new Map<string, Rule>();
  const taken = new Set<string>();
  const holds = (rule: Rule, { type, id }: Scope) => rule.scope.type === type && rule.scope.id === id;
  return {
    get(scope, id) {
      const rule = byId.get(id);
      return rule && holds(rule, scope) ? rule : undefined;
    },
    list: (scope) => [...byId.values()].filter((rule) => holds(rule, scope)),
    all: () => [...byId.values()],
    has: (scope, configuration) => taken.has(keyOf(scope, configuration)),
    apply(change) {
      if (change.type === "rule") {
        byId.set(change.rule.id, change.rule);
        taken.add(keyOf(change.rule.scope, change.rule.configuration));
        return;
      }
      const rule = byId.get(change.rule_id);
      if (rule) taken.delete(keyOf(rule.scope, rule.configuration));
      byId.delete(change.rule_id);
    },
  };
}

type Body = Readonly<Record<string, unknown>>;

/** The rule that a POST asks for. Throws 400 with every reason, or for a duplicate. */
export function newRule(rules: Rules, scope: Scope, { id, body, now }: { id: string; body: Body; now: string }): Rule {
  const configuration = readConfiguration(body["configuration"]);
  const mode = readMode(body["mode"]);
  const notes = body["notes"] ?? "";
  const reasons = [
    ...(typeof configuration === "string" ? [configuration] : []),
    ...(mode ? [] : [`invalid mode received: ${typeof body["mode"] === "string" ? body["mode"] : ""}`]),
    ...(typeof notes === "string" ? [] : ["invalid notes provided"]),
  ];
  if (reasons.length > 0 || typeof configuration === "string" || !mode || typeof notes !== "string") throw notValid(reasons);
  if (rules.has(scope, configuration)) throw duplicate();
  return { id, paused: false, created_on: now, modified_on: now, allowed_modes: MODES, mode, notes, configuration, scope };
}

/** The rule after a PATCH. Mode and notes can change; what it is about cannot. Throws 400. */
export function editedRule(rule: Rule, body: Body, now: string): Rule {
  const mode = body["mode"] === undefined ? rule.mode : readMode(body["mode"]);
  const notes = body["notes"] ?? rule.notes;
  const configuration = body["configuration"] === undefined ? rule.configuration : readConfiguration(body["configuration"]);
  if (!mode) throw notValid([`invalid mode received: ${typeof body["mode"] === "string" ? body["mode"] : ""}`]);
  if (typeof notes !== "string") throw notValid(["invalid notes provided"]);
  if (typeof configuration === "string") throw notValid([configuration]);
  const same = configuration.target === rule.configuration.target && configuration.value === rule.configuration.value;
  if (!same) throw notValid(["configuration can not be changed"]);
  return { ...rule, mode, notes, modified_on: now };
}
