import { duplicate, notValid } from "./refusal.ts";
import { createShelf, type Shelf } from "./shelf.ts";
import { type Configuration, MODES, readConfiguration, readMode } from "./values.ts";

/** Where a rule holds. */
export interface Scope {
  readonly type: "zone" | "account" | "user";
  readonly id: string;
}

/** An IP access rule. */
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
  /** The scope of a rule, wherever it is. */
  scopeOf(id: string): Scope | undefined;
  /** The rules of one scope. */
  shelf(scope: Scope): Shelf;
  all(): readonly Rule[];
  apply(change: Change): void;
}

const keyOf = ({ type, id }: Scope) => `${type} ${id}`;

/** Makes an empty set of rules. */
export function createRules(): Rules {
  const shelves = new Map<string, { readonly scope: Scope; readonly shelf: Shelf }>();
  const home = (scope: Scope) => {
    const known = shelves.get(keyOf(scope)) ?? { scope, shelf: createShelf() };
    shelves.set(keyOf(scope), known);
    return known;
  };
  const holding = (id: string) => [...shelves.values()].find(({ shelf }) => shelf.get(id));
  return {
    get: (scope, id) => shelves.get(keyOf(scope))?.shelf.get(id),
    scopeOf: (id) => holding(id)?.scope,
    shelf: (scope) => home(scope).shelf,
    all: () => [...shelves.values()].flatMap(({ shelf }) => [...shelf.oldestFirst()]),
    apply(change) {
      if (change.type === "deleted") {
        holding(change.rule_id)?.shelf.remove(change.rule_id);
        return;
      }
      // A rule read from the log has copies of what all rules share.
      const { scope, shelf } = home(change.rule.scope);
      shelf.put({ ...change.rule, allowed_modes: MODES, scope });
    },
  };
}

type Body = Readonly<Record<string, unknown>>;

/**
 * Not documented: no limit for the notes of a rule is. It is what the comment of a list's item may have
 * (https://developers.cloudflare.com/waf/tools/lists/lists-api/), so whoever keeps to it is safe.
 */
const NOTES_CHARS = 500;

/** Why the notes cannot be these; undefined when they can. */
function faultOf(notes: unknown): string | undefined {
  if (typeof notes !== "string") return "invalid notes provided";
  return [...notes].length > NOTES_CHARS ? `invalid notes provided: longer than ${NOTES_CHARS} characters` : undefined;
}

const modeFault = (mode: unknown) => `invalid mode received: ${typeof mode === "string" ? mode : ""}`;

/** The rule that a POST asks for. Throws 400 with every reason, or for a duplicate. */
export function newRule(shelf: Shelf, scope: Scope, { id, body, now }: { id: string; body: Body; now: string }): Rule {
  const configuration = readConfiguration(body["configuration"]);
  const mode = readMode(body["mode"]);
  const notes = body["notes"] ?? "";
  const notesFault = faultOf(notes);
  const reasons = [
    ...(typeof configuration === "string" ? [configuration] : []),
    ...(mode ? [] : [modeFault(body["mode"])]),
    ...(notesFault ? [notesFault] : []),
  ];
  if (typeof configuration === "string" || !mode || notesFault || typeof notes !== "string") throw notValid(reasons);
  if (shelf.about(configuration)) throw duplicate();
  return { id, paused: false, created_on: now, modified_on: now, allowed_modes: MODES, mode, notes, configuration, scope };
}

/** The rule after a PATCH. Mode and notes can change; what it is about cannot. Throws 400. */
export function editedRule(rule: Rule, body: Body, now: string): Rule {
  const mode = body["mode"] === undefined ? rule.mode : readMode(body["mode"]);
  const notes = body["notes"] ?? rule.notes;
  const notesFault = faultOf(notes);
  const configuration = body["configuration"] === undefined ? rule.configuration : readConfiguration(body["configuration"]);
  if (!mode) throw notValid([modeFault(body["mode"])]);
  if (notesFault || typeof notes !== "string") throw notValid([notesFault ?? ""]);
  if (typeof configuration === "string") throw notValid([configuration]);
  const same = configuration.target === rule.configuration.target && configuration.value === rule.configuration.value;
  if (!same) throw notValid(["configuration can not be changed"]);
  return { ...rule, mode, notes, modified_on: now };
}
