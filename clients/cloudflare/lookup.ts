import { atOnce } from "../../core/at-once.ts";
import type { EdgeRule, EdgeScope } from "../../core/edge.ts";
import { contains, rulesAround } from "../../core/networks.ts";
import type { Access } from "./access.ts";
import { pageOf, pagesOf, rulesFor, spellingsOf } from "./listing.ts";

/** Queries under way at once for one scope: more would only wait for the budget. */
const QUERIES_AT_ONCE = 5;

/** What earlier lookups have shown; it makes later ones cheaper and never wrong. */
export interface Experience {
  /** How many pages a scope had. */
  readonly pages: Map<EdgeScope, number>;
  /** Whether the filter has found an IPv6 rule by the spelling with all zeros: then there is no need to ask for the short one. */
  knowsSpelling: boolean;
}

/** The networks that are looked up, and the rules that hold for them as they are found. */
export interface Search {
  /** Every network that a rule may be about to hold for one of them. */
  readonly candidates: readonly string[];
  /** Keeps a rule that holds for one of them. A rule that comes again is kept once. */
  keep(rule: EdgeRule): void;
  result(): ReadonlyMap<string, readonly EdgeRule[]>;
}

/** Begins to look for the rules that hold for each of these networks, exactly or by a range around it. */
export function createSearch(networks: readonly string[]): Search {
  const found = new Map(networks.map((network) => [network, new Map<string, EdgeRule>()]));
  const around = new Map<string, string[]>();
  for (const network of found.keys()) {
    for (const candidate of rulesAround(network)) around.set(candidate, [...(around.get(candidate) ?? []), network]);
  }
  // A range of a length that no rule can be made with any more, but that may stand there since long ago.
  const within = (rule: EdgeRule) => (rule.network.includes("/") ? networks.filter((network) => contains(rule.network, network)) : []);
  return {
    candidates: [...around.keys()],
    keep(rule) {
      for (const network of around.get(rule.network) ?? within(rule)) found.get(network)?.set(rule.rule_id, rule);
    },
    result: () => new Map([...found].map(([network, rules]) => [network, [...rules.values()]])),
  };
}

/**
 * Looks through one scope: it asks for each candidate, or reads the list page by page, whichever takes fewer calls. How long the list is
 * says its first page, which is asked for unless an earlier one has shown that it is no use.
 */
export async function searchScope(access: Access, scope: EdgeScope, search: Search, experience: Experience): Promise<void> {
  const queries = search.candidates.reduce(
    (sum, network) => sum + (spellingsOf(network).length > 1 && !experience.knowsSpelling ? 2 : 1),
    0,
  );
  if (queries === 0) return;
  if (queries === 1 || (experience.pages.get(scope) ?? 1) > queries) return ask(access, scope, search, experience);
  const first = await pageOf(access, scope, 1);
  experience.pages.set(scope, first.total_pages);
  if (first.total_pages - 1 > queries) return ask(access, scope, search, experience);
  for await (const { rules } of pagesOf(access, scope, first)) for (const rule of rules) search.keep(rule);
}

/** Asks for each candidate by itself. */
async function ask(access: Access, scope: EdgeScope, search: Search, experience: Experience): Promise<void> {
  await atOnce(search.candidates, QUERIES_AT_ONCE, async (network) => {
    const [stored = network, short] = spellingsOf(network);
    const found = await rulesFor(access, scope, network, [stored]);
    for (const rule of found) search.keep(rule);
    if (short === undefined || experience.knowsSpelling) return;
    if (found.length > 0) experience.knowsSpelling = true;
    else for (const rule of await rulesFor(access, scope, network, [short])) search.keep(rule);
  });
}
