import type { Rule } from "./rules.ts";
import type { Configuration } from "./values.ts";

/** The rules of one scope, tens of thousands of them: each kept once, found by its id and by what it is about. */
export interface Shelf {
  readonly size: number;
  get(id: string): Rule | undefined;
  /** The rule about this; a scope has one at most. */
  about(configuration: Configuration): Rule | undefined;
  /** The rules about this value, whatever the target. */
  withValue(value: string): readonly Rule[];
  oldestFirst(): Iterable<Rule>;
  /** Ordered by value; not to be changed. */
  byValue(): readonly Rule[];
  /** Adds a rule, or replaces the one of the same id. */
  put(rule: Rule): void;
  remove(id: string): void;
}

const isBefore = (a: Configuration, b: Configuration) => (a.value === b.value ? a.target < b.target : a.value < b.value);
const isSame = (a: Configuration, b: Configuration) => a.value === b.value && a.target === b.target;

/** Makes an empty one. */
export function createShelf(): Shelf {
  const byId = new Map<string, Rule>();
  const sorted: Rule[] = [];

  /** Where the first rule stands that does not come before this, by halving. */
  const placeOf = (configuration: Configuration): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const rule = sorted[middle];
      if (rule && isBefore(rule.configuration, configuration)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const at = (place: number, configuration: Configuration): Rule | undefined => {
    const rule = sorted[place];
    return rule && isSame(rule.configuration, configuration) ? rule : undefined;
  };

  return {
    get size() {
      return byId.size;
    },
    get: (id) => byId.get(id),
    about: (configuration) => at(placeOf(configuration), configuration),
    withValue(value) {
      const found: Rule[] = [];
      for (let place = placeOf({ target: "asn", value }); sorted[place]?.configuration.value === value; place++)
        found.push(sorted[place] as Rule);
      return found;
    },
    oldestFirst: () => byId.values(),
    byValue: () => sorted,
    put(rule) {
      const place = placeOf(rule.configuration);
      sorted.splice(place, at(place, rule.configuration) ? 1 : 0, rule);
      byId.set(rule.id, rule);
    },
    remove(id) {
      const rule = byId.get(id);
      if (rule) sorted.splice(placeOf(rule.configuration), 1);
      byId.delete(id);
    },
  };
}
