import type { BaseAccessRules } from "cloudflare/resources/firewall/access-rules";
import ipaddr from "ipaddr.js";
import { z } from "zod";
import { OpsError } from "../core/errors.ts";
import type { BlockRule, Edge, Logger } from "../core/ports.ts";
import { text } from "../core/reply.ts";
import type { Trace } from "./cloudflare-fetch.ts";
import { failureOf, openRules, toEdgeError } from "./cloudflare-sdk.ts";

/** Where the rules are kept and with which token. */
export interface CloudflareOptions {
  /** An API token that may edit "Zone > Firewall Services" of the zone. */
  readonly token: string;
  readonly zone_id: string;
  /** With `/client/v4`, as Cloudflare's own default has it. */
  readonly base_url: string;
  /** Books one HTTP call; by default none is counted. @returns 0 when booked, else how many milliseconds to wait before asking again */
  readonly reserve?: () => Promise<number>;
  readonly log?: Logger;
}

const PER_PAGE = 100;
/** A list filtered by address has one rule; five pages end a server that ignores `page`. */
const MAX_PAGES = 5;

const RULE = z.object({
  id: z.string(),
  mode: z.string(),
  notes: z.string().nullish(),
  created_on: z.string().nullish(),
  configuration: z.object({ target: z.string(), value: z.string() }),
});
type Rule = z.infer<typeof RULE>;

/** One operation: on which zone, what ends it, and what is known of its calls. */
interface Access {
  readonly rules: BaseAccessRules;
  readonly zone_id: string;
  readonly signal: AbortSignal;
  readonly trace: Trace;
  /** What the SDK threw as an `OpsError`. */
  toError(thrown: unknown): OpsError;
}

/**
 * Cloudflare's IP access rules of one zone as the port `Edge`. The SDK is imported at the first call.
 * The notes given to `block` must be the run's own: a rule with exactly these notes counts as made by this run, which is
 * how a repeated call, or one whose answer was lost, finds its work done.
 */
export function createCloudflareEdge({ token, zone_id, base_url, reserve = async () => 0, log }: CloudflareOptions): Edge {
  const reach = async <T>(what: string, signal: AbortSignal, work: (access: Access) => Promise<T>): Promise<T> => {
    const trace: Trace = { open: false, unsent: undefined };
    const toError = (thrown: unknown) =>
      trace.unsent && failureOf(thrown) === "limited" ? trace.unsent : toEdgeError(thrown, what, token);
    try {
      const rules = await openRules({ token, base_url, reserve, trace });
      // The SDK leaves its listeners on a signal for good: each call gets one that ends with it.
      return await work({ rules, zone_id, signal: AbortSignal.any([signal]), trace, toError });
    } catch (thrown) {
      throw toError(thrown);
    }
  };

  return {
    find: (ip, signal) =>
      reach("find", signal, async (access) => {
        const rules = await listRules(access, ip);
        return rules.filter((rule) => rule.mode === "block").map(toBlockRule);
      }),

    block: (ip, notes, signal) =>
      reach("block", signal, async (access) => {
        try {
          return { rule: await createRule(access, ip, notes), created: true };
        } catch (thrown) {
          return recoverFrom(thrown, access, { ip, notes, log });
        }
      }),

    release: (rule_id, signal) =>
      reach("release", signal, async (access) => {
        try {
          await access.rules.delete(rule_id, { zone_id }, { signal: access.signal });
        } catch (thrown) {
          if (failureOf(thrown) !== "gone") await confirmGone(thrown, access, rule_id);
        }
      }),
  };
}

async function createRule({ rules, zone_id, signal }: Access, ip: string, notes: string): Promise<BlockRule> {
  const made = await rules.create({ zone_id, mode: "block", configuration: configurationOf(ip), notes }, { signal });
  return toBlockRule(RULE.parse(made));
}

interface Wanted {
  readonly ip: string;
  readonly notes: string;
  readonly log: Logger | undefined;
}

/** A rule that could not be made may be there already, or it was made and only the answer was lost. */
async function recoverFrom(thrown: unknown, access: Access, { ip, notes, log }: Wanted): Promise<{ rule: BlockRule; created: boolean }> {
  const duplicate = failureOf(thrown) === "duplicate";
  if (!duplicate && !access.trace.open) throw thrown;
  const look = duplicate ? adoptRule(access, ip, notes) : findOurs(access, ip, notes);
  const found = await look.catch((unasked: unknown) => {
    throw nobodyKnows(access, thrown, unasked);
  });
  if (!found) throw thrown;
  if (!duplicate) log?.warn({ ip, rule_id: found.rule.rule_id }, "cloudflare: the answer was lost, but the rule is made");
  return found;
}

/** A rule that could not be deleted may be gone all the same. */
async function confirmGone(thrown: unknown, access: Access, rule_id: string): Promise<void> {
  const { rules, zone_id, signal, trace } = access;
  if (!trace.open) throw thrown;
  try {
    await rules.get(rule_id, { zone_id }, { signal });
  } catch (unasked) {
    if (failureOf(unasked) === "gone") return;
    throw nobodyKnows(access, thrown, unasked);
  }
  throw thrown;
}

/** What to throw when Cloudflare could not be asked what came of a change. Where no change is open, that is the failure itself. */
function nobodyKnows({ trace, toError }: Access, lost: unknown, unasked: unknown): OpsError {
  const failure = toError(unasked);
  if (!trace.open || unasked instanceof OpsError) return failure;
  const { message, retry_after_ms } = failure;
  return new OpsError("outcome_unknown", `${toError(lost).message}; then: ${message}`, { ...(retry_after_ms && { retry_after_ms }) });
}

/** Cloudflare allows one rule an address, of whatever mode. */
async function adoptRule(access: Access, ip: string, notes: string): Promise<{ rule: BlockRule; created: boolean }> {
  const rules = await listRules(access, ip);
  const blocking = rules.filter((rule) => rule.mode === "block").map(toBlockRule);
  const rule = blocking.find((candidate) => candidate.notes === notes) ?? blocking[0];
  if (rule) return { rule, created: rule.notes === notes };
  const other = rules[0];
  if (!other) throw new OpsError("upstream_unavailable", `Cloudflare block: a rule for ${ip} was there and is gone`);
  throw new OpsError("upstream_refused", `Cloudflare block: a rule of mode ${other.mode} stands for ${ip}`, {
    text: text("cf.other_mode", { ip, mode: other.mode }),
  });
}

/** The rule with exactly our notes, for a request that broke and may have been carried out. */
async function findOurs(access: Access, ip: string, notes: string): Promise<{ rule: BlockRule; created: true } | undefined> {
  const rules = await listRules(access, ip);
  const [ours] = rules.filter((rule) => rule.mode === "block" && rule.notes === notes).map(toBlockRule);
  return ours && { rule: ours, created: true };
}

/** The rules of any mode for exactly this address. What Cloudflare lists is checked: a filter it does not know is ignored. */
async function listRules({ rules, zone_id, signal }: Access, ip: string): Promise<readonly Rule[]> {
  const { target } = configurationOf(ip);
  for (const value of spellings(ip)) {
    // The SDK's type of the filter leaves out ip6, which rules are made and stored with.
    const configuration = { target: target as "ip", value };
    const found: Rule[] = [];
    let page = await rules.list({ zone_id, configuration, per_page: PER_PAGE }, { signal });
    for (let count = 1; ; count++) {
      const listed = page.result.map((rule) => RULE.parse(rule));
      found.push(...listed.filter((rule) => isSame(rule.configuration.value, ip)));
      if (listed.length < PER_PAGE || count === MAX_PAGES) break;
      page = await page.getNextPage();
    }
    if (found.length > 0) return found;
  }
  return [];
}

function configurationOf(ip: string): { target: "ip"; value: string } | { target: "ip6"; value: string } {
  return ipaddr.IPv6.isValid(ip) ? { target: "ip6", value: ip } : { target: "ip", value: ip };
}

/** How the filter may have to write an address: Cloudflare keeps IPv6 with all its zeros (`2001:0db8:0000:...`). */
function spellings(ip: string): readonly string[] {
  if (!ipaddr.IPv6.isValid(ip)) return [ip];
  const groups = ipaddr.IPv6.parse(ip).parts.map((part) => part.toString(16).padStart(4, "0"));
  return [ip, groups.join(":")];
}

function isSame(value: string, ip: string): boolean {
  return ipaddr.isValid(value) && ipaddr.parse(value).toString() === ipaddr.parse(ip).toString();
}

function toBlockRule({ id, configuration, notes, created_on }: Rule): BlockRule {
  const ip = ipaddr.parse(configuration.value).toString();
  return { rule_id: id, ip, notes: notes ?? "", created_at: created_on ?? null };
}
