import { performance } from "node:perf_hooks";
import { atOnce } from "../../core/at-once.ts";
import type { Edge, EdgeCall, EdgeLane, EdgeRule, EdgeScope } from "../../core/edge.ts";
import type { Logger } from "../../core/ports.ts";
import { createSharedCall } from "../../core/shared-call.ts";
import { openAccess, type Reachable, reach } from "./access.ts";
import { type Blocked, blockRule, getRule, releaseRule } from "./change.ts";
import { pageOf, pagesOf } from "./listing.ts";
import { createSearch, type Experience, searchScope } from "./lookup.ts";
import { createPace } from "./pace.ts";
import { noteOf } from "./rule.ts";

/** Where the rules are kept and with which token. */
export interface CloudflareOptions {
  /** An API token that may edit the firewall access rules of every scope. */
  readonly token: string;
  /** With `/client/v4`, as Cloudflare's own default has it. */
  readonly base_url: string;
  readonly scopes: readonly EdgeScope[];
  /** Books one HTTP call; by default none is counted. @returns 0 when booked, else how many milliseconds to wait before asking again */
  readonly reserve?: (lane: EdgeLane) => Promise<number>;
  /** Cloudflare has told us to stay away: no process books for so long, in milliseconds; by default this one alone knows. */
  readonly shut?: (for_ms: number) => Promise<void>;
  readonly log?: Logger;
  /** A clock that does not run backwards, in milliseconds; by default the process's. */
  readonly ticks?: () => number;
}

/** Scopes looked through at once: each holds a page of up to 1,000 rules. */
const SCOPES_AT_ONCE = 4;

type LookUp = Awaited<ReturnType<Edge["lookUp"]>>;

/**
 * Cloudflare's IP access rules as the port `Edge`. The SDK is imported at the first call. Equal lookups that are under way at the same
 * moment are one; so are two blocks of one network in one scope, and the second is told that the rule was there.
 */
export function createCloudflareEdge(options: CloudflareOptions): Edge {
  const { token, base_url, scopes, reserve = async () => 0, shut = async () => undefined, log, ticks = () => performance.now() } = options;
  const reachable: Reachable = { token, base_url, pace: createPace({ reserve, shut, ticks }) };
  const experience: Experience = { pages: new Map(), knowsSpelling: false };
  const lookUps = createSharedCall<LookUp>("Cloudflare", "upstream_unavailable");
  const blocks = createSharedCall<Blocked>("Cloudflare", "outcome_unknown");
  // A lookup that began before a change is not shared with one that begins after it: who has just changed something wants to see that.
  let changes = 0;
  const change = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } finally {
      changes++;
    }
  };

  const lookUp = async (networks: readonly string[], call: EdgeCall): Promise<LookUp> => {
    const search = createSearch(networks);
    await reach(reachable, "lookup", call, (access) =>
      atOnce(scopes, SCOPES_AT_ONCE, (scope) => searchScope(access, scope, search, experience)),
    );
    return search.result();
  };

  return {
    scopes,
    async lookUp(networks, { lane, signal }) {
      const key = [changes, lane, ...new Set(networks)].sort().join(" ");
      return (await lookUps(key, signal, (own) => lookUp(networks, { lane, signal: own }))).value;
    },
    async block(rule, { lane, signal }) {
      const wanted = { ...rule, notes: noteOf(rule.notes) };
      const start = (own: AbortSignal) =>
        change(reach(reachable, "block", { lane, signal: own }, (access) => blockRule(access, wanted, log)));
      const { value, first } = await blocks(`${lane} ${rule.scope} ${rule.network}`, signal, start);
      return first ? value : { rule: value.rule, created: value.rule.notes === wanted.notes };
    },
    get: ({ scope, rule_id }, call) => reach(reachable, "get", call, (access) => getRule(access, scope, rule_id)),
    release: ({ scope, rule_id }, call) => change(reach(reachable, "release", call, (access) => releaseRule(access, scope, rule_id))),
    list: (scope, call) => listScope(reachable, scope, call, experience),
  };
}

/** A scope's own rules, page by page; those of the account that a zone's list shows too belong to the account. */
async function* listScope(
  reachable: Reachable,
  scope: EdgeScope,
  call: EdgeCall,
  { pages }: Experience,
): AsyncGenerator<readonly EdgeRule[]> {
  const access = await openAccess(reachable, "list", call);
  try {
    for await (const { rules, total_pages } of pagesOf(access, scope, await pageOf(access, scope, 1))) {
      pages.set(scope, total_pages);
      yield rules.filter((rule) => rule.scope === scope);
    }
  } catch (thrown) {
    throw access.toError(thrown);
  } finally {
    access.close();
  }
}
