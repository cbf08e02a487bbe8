import { z } from "zod";
import type { EdgeRule, EdgeScope } from "../../core/edge.ts";
import { type Block, isRuleOf } from "../../core/ledger.ts";
import { rulePieces } from "../../core/networks.ts";
import { type Reply, raw, type Text, text } from "../../core/reply.ts";
import { blocksOf } from "./places.ts";
import { containing, exactly, notesOf, type Standing } from "./rules.ts";

/** What is known of one network: from Cloudflare's rules as they are now, and from the ledger. */
export const Found = z.object({
  ip: z.string(),
  /** `partly`: of a range that takes several rules, only some are there. */
  status: z.enum(["blocked", "partly", "not_blocked"]),
  /** Whose rule: the ledger knows it, or it does not. */
  owner: z.enum(["ours", "foreign"]).nullable(),
  rule_ids: z.array(z.string()).readonly(),
  /** The zones or accounts in which it is blocked. */
  scopes: z.array(z.string()).readonly(),
  /** The wider range that blocks it. */
  covered_by: z.string().nullable(),
  since: z.string().nullable(),
  by: z.string().nullable(),
  /** Our reason, or the notes of a rule that is not ours. */
  reason: z.string().nullable(),
  expires_at: z.string().nullable(),
  /** The ledger says that it is blocked, and Cloudflare has no such rule. */
  missing: z.boolean(),
  /** Who is lifting it: its rule is not read back as gone yet. */
  lifted_by: z.string().nullable().default(null),
  /** Who lifted the last block, and when. */
  released: z.object({ by: z.string(), at: z.string() }).nullable(),
});

/** What is known of one network. */
export type Found = z.infer<typeof Found>;

/** What is known: of the ledger, and of Cloudflare in every scope that is set up. */
export interface Known {
  readonly scopes: readonly EdgeScope[];
  readonly standing: Standing;
  readonly blocks: readonly Block[];
}

/** Puts what Cloudflare holds beside what the ledger knows of a network and of the ranges around it. */
export function describeNetwork(network: string, { scopes, standing, blocks }: Known): Found {
  const exact = exactly(network, standing);
  const [range] = exact.length > 0 ? [] : containing(network, standing);
  const rules = range ? [range] : exact;
  const live = blocks.filter(({ state }) => state !== "released");
  const wished = blocksOf(network, live);
  // What is being lifted and has no rule any more is as good as gone.
  const [unmade] = rules.length === 0 ? wished.filter(({ state }) => state !== "releasing") : [];
  const known = live.find((block) => rules.some((rule) => isRuleOf(rule, block))) ?? unmade;
  const lifting = wished.find(({ state }) => state === "releasing");
  return {
    ip: network,
    status: statusOf(network, rules, scopes),
    rule_ids: rules.map(({ rule_id }) => rule_id),
    scopes: [...new Set(rules.map(({ scope }) => scope))],
    covered_by: range?.network ?? null,
    ...(known ? ledgerSays(known, rules) : rulesSay(rules)),
    missing: wished.some((block) => block.state === "blocked" && !exact.some((rule) => isRuleOf(rule, block))),
    lifted_by: lifting?.released_by ?? null,
    released: lastRelease(blocksOf(network, blocks)),
  };
}

/** A rule of an account holds in all its zones; one of a zone in that alone. */
function statusOf(network: string, rules: readonly EdgeRule[], scopes: readonly EdgeScope[]): Found["status"] {
  if (rules.length === 0) return "not_blocked";
  const pieces = rulePieces(network) ?? [];
  const isWhole = (scope: EdgeScope) => {
    const held = new Set(rules.filter((rule) => rule.scope === scope || rule.scope.startsWith("account:")).map((rule) => rule.network));
    // A rule for another network is a range that holds all of it.
    return held.size > 0 && (pieces.every((piece) => held.has(piece)) || !pieces.some((piece) => held.has(piece)));
  };
  return scopes.every(isWhole) ? "blocked" : "partly";
}

function ledgerSays({ blocked_at, identity: by, reason, expires_at }: Block, rules: readonly EdgeRule[]) {
  return { owner: "ours", since: blocked_at ?? rules[0]?.created_at ?? null, by, reason, expires_at } as const;
}

function rulesSay(rules: readonly EdgeRule[]) {
  const owner: Found["owner"] = rules.length > 0 ? "foreign" : null;
  return { owner, since: rules[0]?.created_at ?? null, by: null, reason: notesOf(rules).notes ?? null, expires_at: null };
}

function lastRelease(blocks: readonly Block[]): Found["released"] {
  const last = blocks.find(({ state }) => state === "released");
  return last?.released_at ? { by: last.released_by ?? "", at: last.released_at } : null;
}

/** Who the ledger says has lifted what was blocked for a while. */
const EXPIRY = "expiry";
/** More scopes and rules than this are counted instead of named. */
const SHOWN = 3;

const moment = (at: string) => text("moment", { moment: { at } });

/** What is known of a network, line by line. */
export function detailsOf(found: Found): NonNullable<Reply["fields"]> {
  const { scopes, covered_by, rule_ids, status, released } = found;
  const many = scopes.length > SHOWN;
  return [
    ...(covered_by ? [{ label: text("cf.range"), value: raw(covered_by), code: true }] : []),
    ...ownership(found),
    ...(scopes.length > 0
      ? [{ label: text("cf.where"), value: many ? text("cf.scopes", { count: scopes.length }) : raw(scopes.join(" ")) }]
      : []),
    ...rule_ids.slice(0, SHOWN).map((rule_id) => ({ label: text("cf.rule"), value: raw(rule_id), code: true })),
    ...(found.lifted_by ? [{ label: text("cf.lifting"), value: text("cf.lifting_by", { by: found.lifted_by }) }] : []),
    ...(status === "not_blocked" && released && !found.lifted_by ? [{ label: text("cf.released"), value: releasedBy(released) }] : []),
  ];
}

function ownership({ since, by, reason, expires_at, owner }: Found) {
  if (owner === null) return [];
  const isOurs = owner === "ours";
  return [
    ...(since ? [{ label: text("cf.since"), value: moment(since) }] : []),
    { label: text("cf.by"), value: by === null ? text("cf.foreign") : raw(by) },
    ...(reason ? [{ label: text(isOurs ? "cf.reason" : "cf.notes"), value: raw(reason) }] : []),
    ...(isOurs ? [{ label: text("cf.until"), value: expires_at ? moment(expires_at) : text("cf.until_released") }] : []),
  ];
}

function releasedBy({ by, at }: NonNullable<Found["released"]>): Text {
  return by === EXPIRY ? text("cf.released_in_time", { moment: { at } }) : text("cf.released_by", { by, moment: { at } });
}

/** What is known of a network in a few words, for a table. */
export function noteOn({ covered_by, by, reason, owner }: Found): string {
  const who = owner === "ours" ? (by ?? "") : "";
  return [covered_by, who, reason].filter((words) => words !== null && words !== "").join(" · ");
}
