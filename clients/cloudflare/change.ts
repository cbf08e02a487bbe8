import type { EdgeRule, EdgeScope } from "../../core/edge.ts";
import { OpsError } from "../../core/errors.ts";
import type { Logger } from "../../core/ports.ts";
import { text } from "../../core/reply.ts";
import { type Access, nobodyKnows } from "./access.ts";
import { rulesFor } from "./listing.ts";
import { configurationOf, pathOf, RULE, toEdgeRule } from "./rule.ts";
import { failureOf } from "./sdk.ts";

/** The rule that is asked for. */
export interface Wanted {
  readonly scope: EdgeScope;
  readonly network: string;
  readonly notes: string;
}

/** A rule that blocks, and whether it was made for this. */
export interface Blocked {
  readonly rule: EdgeRule;
  readonly created: boolean;
}

/** Makes a rule that blocks, or adopts the one that is there. */
export async function blockRule(access: Access, wanted: Wanted, log: Logger | undefined): Promise<Blocked> {
  try {
    return { rule: await createRule(access, wanted), created: true };
  } catch (thrown) {
    return recoverFrom(thrown, access, { wanted, log });
  }
}

async function createRule({ rules, signal }: Access, { scope, network, notes }: Wanted): Promise<EdgeRule> {
  const made = await rules.create({ ...pathOf(scope), mode: "block", configuration: configurationOf(network), notes }, { signal });
  const rule = toEdgeRule(RULE.parse(made), scope);
  if (rule?.network === network) return rule;
  throw new OpsError("outcome_unknown", `Cloudflare block: the answer shows a rule for something else than ${network}`);
}

/** A rule that could not be made may be there already, or it was made and only the answer was lost. */
async function recoverFrom(
  thrown: unknown,
  access: Access,
  { wanted, log }: { wanted: Wanted; log: Logger | undefined },
): Promise<Blocked> {
  const duplicate = failureOf(thrown) === "duplicate";
  if (!duplicate && !access.trace.open) throw thrown;
  const look = duplicate ? adoptRule(access, wanted) : findOurs(access, wanted);
  const found = await look.catch((unasked: unknown) => {
    throw nobodyKnows(access, thrown, unasked);
  });
  if (!found) throw thrown;
  const { network, rule_id } = found.rule;
  if (!duplicate) log?.warn({ network, rule_id }, "cloudflare: the answer was lost, but the rule is made");
  return found;
}

/** A scope's own rules for the network: a zone's list shows the account's too, and those are not in the way. */
async function ownRulesFor(access: Access, { scope, network }: Wanted): Promise<readonly EdgeRule[]> {
  return (await rulesFor(access, scope, network)).filter((rule) => rule.scope === scope);
}

/** Cloudflare allows one rule a network and scope, of whatever mode. */
async function adoptRule(access: Access, wanted: Wanted): Promise<Blocked> {
  const { network, notes } = wanted;
  const rules = await ownRulesFor(access, wanted);
  const blocking = rules.filter(({ mode }) => mode === "block");
  const rule = blocking.find((candidate) => candidate.notes === notes) ?? blocking[0];
  if (rule) return { rule, created: rule.notes === notes };
  const other = rules[0];
  if (!other) throw new OpsError("upstream_unavailable", `Cloudflare block: a rule for ${network} was there and is gone`);
  throw new OpsError("upstream_refused", `Cloudflare block: a rule of mode ${other.mode} stands for ${network}`, {
    text: text("cf.other_mode", { ip: network, mode: other.mode }),
  });
}

/** The rule with exactly our notes, for a request that broke and may have been carried out. */
async function findOurs(access: Access, wanted: Wanted): Promise<Blocked | undefined> {
  const rules = await ownRulesFor(access, wanted);
  const ours = rules.find(({ mode, notes }) => mode === "block" && notes === wanted.notes);
  return ours && { rule: ours, created: true };
}

/** Removes a rule; one that is gone already is no error. */
export async function releaseRule(access: Access, scope: EdgeScope, rule_id: string): Promise<void> {
  const { rules, signal, trace } = access;
  try {
    await rules.delete(rule_id, pathOf(scope), { signal });
  } catch (thrown) {
    if (failureOf(thrown) === "gone") return;
    if (!trace.open) throw thrown;
    const still = await getRule(access, scope, rule_id).catch((unasked: unknown) => {
      throw nobodyKnows(access, thrown, unasked);
    });
    if (still) throw thrown;
  }
}

/** One rule; null when it is gone. */
export async function getRule({ rules, signal }: Access, scope: EdgeScope, rule_id: string): Promise<EdgeRule | null> {
  try {
    return toEdgeRule(RULE.parse(await rules.get(rule_id, pathOf(scope), { signal })), scope);
  } catch (thrown) {
    if (failureOf(thrown) === "gone") return null;
    throw thrown;
  }
}
