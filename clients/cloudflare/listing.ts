import { z } from "zod";
import type { EdgeRule, EdgeScope } from "../../core/edge.ts";
import { OpsError } from "../../core/errors.ts";
import type { Access } from "./access.ts";
import { configurationOf, pathOf, RULE, storedSpelling, toEdgeRule } from "./rule.ts";

/**
 * Rules a page: what the API's description allows at most, and what others ask it for. It must be 1 or a multiple of 5.
 * https://developers.cloudflare.com/api/resources/firewall/subresources/access_rules/methods/list/
 */
const PER_PAGE = 1_000;
/** A list filtered by one value has one rule a scope; five pages end a server that ignores `page`. */
const MAX_FILTERED_PAGES = 5;
const FILTERED_PER_PAGE = 100;
/** A list of more pages has no end that we would see: a million rules. */
const MAX_PAGES = 1_000;
/** Pages read again, at most, because rules were removed meanwhile. */
const MAX_STEPS_BACK = 20;

const INFO = z.object({ total_pages: z.number().nullish().catch(undefined), total_count: z.number().nullish().catch(undefined) });

/** One page of a scope's list, account's rules included. */
export interface RulePage {
  readonly rules: readonly EdgeRule[];
  readonly total_pages: number;
  readonly total_count: number;
}

/** Asks for one page of everything that a scope lists; page 1 is the first. */
export async function pageOf({ rules, signal }: Access, scope: EdgeScope, page: number): Promise<RulePage> {
  // In the order of their values, so that a rule made meanwhile pushes others to pages that are still to come, never to one that is read.
  const order = { order: "configuration.value", direction: "asc" } as const;
  const answer = await rules.list({ ...pathOf(scope), ...order, page, per_page: PER_PAGE }, { signal });
  const info = INFO.parse(answer.result_info ?? {});
  const listed = answer.result.length;
  const total_count = info.total_count ?? (page - 1) * PER_PAGE + listed;
  const total_pages = info.total_pages ?? (listed < PER_PAGE ? page : page + 1);
  return { rules: toEdgeRules(answer.result, scope), total_pages, total_count };
}

/**
 * Every page of a scope's list from `from` on. A removed rule moves the later ones forward, over the edge of a page: where the count fell
 * between two pages, the page before is read again. So nothing that stood there all the time is missed; a rule may come twice.
 */
export async function* pagesOf(access: Access, scope: EdgeScope, first: RulePage): AsyncGenerator<RulePage> {
  yield first;
  let steps = 0;
  for (let page = 2, last = first; page <= last.total_pages; ) {
    if (page > MAX_PAGES) throw new OpsError("upstream_unavailable", `Cloudflare list: more than ${MAX_PAGES} pages`);
    const next = await pageOf(access, scope, page);
    yield next;
    const removed = last.total_count - next.total_count;
    const back = removed > 0 && steps < MAX_STEPS_BACK;
    if (back) steps++;
    page = back ? Math.max(1, page - Math.ceil(removed / PER_PAGE)) : page + 1;
    last = next;
  }
}

/**
 * The rules of any mode for exactly this network that a scope lists. What Cloudflare lists is checked: a filter it does not know is ignored.
 * @param spellings how the filter writes the network, in turn, until one finds something
 */
export async function rulesFor(
  { rules, signal }: Access,
  scope: EdgeScope,
  network: string,
  spellings = spellingsOf(network),
): Promise<readonly EdgeRule[]> {
  const { target } = configurationOf(network);
  for (const value of spellings) {
    // The SDK's type of the filter leaves out ip6, which rules are made and stored with.
    const filter = { ...pathOf(scope), configuration: { target: target as "ip", value }, per_page: FILTERED_PER_PAGE };
    const found: EdgeRule[] = [];
    for (let page = 1; page <= MAX_FILTERED_PAGES; page++) {
      const { result } = await rules.list(page === 1 ? filter : { ...filter, page }, { signal });
      found.push(...toEdgeRules(result, scope).filter((rule) => rule.network === network));
      if (result.length < FILTERED_PER_PAGE) break;
    }
    if (found.length > 0) return found;
  }
  return [];
}

/** How the filter may have to write a network, the form that Cloudflare keeps first. */
export function spellingsOf(network: string): readonly string[] {
  return [...new Set([storedSpelling(network), network])];
}

function toEdgeRules(listed: readonly unknown[], scope: EdgeScope): readonly EdgeRule[] {
  return listed.map((rule) => toEdgeRule(RULE.parse(rule), scope)).filter((rule) => rule !== null);
}
