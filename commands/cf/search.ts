import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import type { EdgeRule } from "../../core/edge.ts";
import type { Block } from "../../core/ledger.ts";
import { rulePieces } from "../../core/networks.ts";
import { raw, type Text, text } from "../../core/reply.ts";
import { networks } from "../fields.ts";
import { LIST_TIMEOUT_MS } from "./each-address.ts";
import { blocksOf, laneOf, piecesOf, refuseImpossible } from "./places.ts";
import { containing, exactly, notesOf } from "./rules.ts";

const Found = z.object({
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
  /** Who lifted the last block, and when. */
  released: z.object({ by: z.string(), at: z.string() }).nullable(),
});
type Found = z.infer<typeof Found>;

/** Says where networks are blocked, since when, by whom, why and until when, from Cloudflare's rules as they are now and the ledger. */
export const cfSearch = defineCommand({
  name: "cf search",
  aliases: ["blocked"],
  summary: {
    en: "See whether IP addresses are blocked, by whom and why",
    ko: "IP 주소 차단 여부와 이유 확인",
    ru: "Проверить, кем и почему заблокированы IP-адреса",
  },
  phrases: {
    en: ["is this address blocked", "look up a blocked ip"],
    ko: ["이 아이피 차단됐어", "차단 여부 조회"],
    ru: ["заблокирован ли адрес", "проверь блокировку"],
  },
  examples: { en: ["cf_search 203.0.113.7"], ko: ["cf_search 203.0.113.7"], ru: ["cf_search 2001:db8::7"] },
  input: z.object({ ip: networks.describe("1 to 100 IPv4 or IPv6 addresses or ranges") }),
  output: z.object({ results: z.array(Found).readonly() }),
  positional: ["ip"],
  role: "viewer",
  effect: "read",
  execution: { mode: "queued", timeout_ms: LIST_TIMEOUT_MS, attempts: 4 },
  check: ({ ip }, ports) => refuseImpossible(ip, ports),
  async handle({ ip }, { ports, signal }) {
    const pieces = piecesOf(ip);
    const standing = await ports.edge.lookUp(pieces, { lane: laneOf(ip), signal });
    const ranges = ip.flatMap((network) => containing(network, standing).map((rule) => rule.network));
    const blocks = await ports.ledger.find([...new Set([...pieces, ...ranges])]);
    return { results: ip.map((network) => describe(network, standing, blocks)) };
  },
  present({ results }) {
    const [only] = results;
    if (only && results.length === 1)
      return { tone: only.missing ? "warn" : "info", title: text(`cf.search.${only.status}`, { ip: only.ip }), fields: details(only), ...advice(only) };
    const columns = [text("cf.column.ip"), text("cf.column.status"), text("cf.column.note")];
    const rows = results.map((found): Text[] => [raw(found.ip), text(`cf.status.${found.status}`), raw(note(found))]);
    return { tone: "info", title: text("cf.search.title", { count: results.length }), table: { columns, rows } };
  },
});

function describe(network: string, standing: ReadonlyMap<string, readonly EdgeRule[]>, blocks: readonly Block[]): Found {
  const exact = exactly(network, standing);
  const [range] = exact.length > 0 ? [] : containing(network, standing);
  const rules = range ? [range] : exact;
  const live = blocks.filter(({ state }) => state !== "released");
  const ours = live.find(({ scope, rule_id }) => rules.some((rule) => rule.scope === scope && rule.rule_id === rule_id));
  const wished = blocksOf(network, live);
  const lifted = blocksOf(network, blocks).find(({ state }) => state === "released");
  const pieces = rulePieces(network)?.length ?? 1;
  const held = new Set(exact.map((rule) => rule.network)).size;
  const status = rules.length === 0 ? "not_blocked" : range || held === pieces ? "blocked" : "partly";
  const known = ours ?? (rules.length === 0 ? wished[0] : undefined);
  return {
    ip: network,
    status,
    owner: known ? "ours" : rules.length > 0 ? "foreign" : null,
    rule_ids: rules.map(({ rule_id }) => rule_id),
    scopes: [...new Set(rules.map(({ scope }) => scope))],
    covered_by: range?.network ?? null,
    since: known?.blocked_at ?? rules[0]?.created_at ?? null,
    by: known?.identity ?? null,
    reason: known?.reason ?? (known ? null : (notesOf(rules).notes ?? null)),
    expires_at: known?.expires_at ?? null,
    missing: wished.some(({ state, scope, rule_id }) => state === "blocked" && !exact.some((rule) => rule.scope === scope && rule.rule_id === rule_id)),
    released: lifted?.released_at ? { by: lifted.released_by ?? "", at: lifted.released_at } : null,
  };
}

/** More scopes than this are counted instead of named. */
const SHOWN_SCOPES = 3;
const SHOWN_RULES = 3;

function details({ scopes, covered_by, since, by, reason, expires_at, owner, rule_ids, status, released }: Found) {
  const moment = (at: string) => text("moment", { moment: { at } });
  return [
    ...(covered_by ? [{ label: text("cf.range"), value: raw(covered_by), code: true }] : []),
    ...(since ? [{ label: text("cf.since"), value: moment(since) }] : []),
    ...(status !== "not_blocked" || by ? [{ label: text("cf.by"), value: by === null ? text("cf.foreign") : raw(by) }] : []),
    ...(reason ? [{ label: text(owner === "ours" ? "cf.reason" : "cf.notes"), value: raw(reason) }] : []),
    ...(owner === "ours" ? [{ label: text("cf.until"), value: expires_at ? moment(expires_at) : text("cf.until_released") }] : []),
    ...(scopes.length > 0 && scopes.length <= SHOWN_SCOPES ? [{ label: text("cf.where"), value: raw(scopes.join(" ")), code: true }] : []),
    ...(scopes.length > SHOWN_SCOPES ? [{ label: text("cf.where"), value: text("cf.scopes", { count: scopes.length }) }] : []),
    ...rule_ids.slice(0, SHOWN_RULES).map((rule_id) => ({ label: text("cf.rule"), value: raw(rule_id), code: true })),
    ...(status === "not_blocked" && released ? [{ label: text("cf.released"), value: text("cf.released_by", { by: released.by, moment: { at: released.at } }) }] : []),
  ];
}

function advice({ missing, ip }: Found) {
  return missing ? { lines: [text("cf.search.missing", { command: `/cf_block ${ip}`, release: `/cf_release ${ip}` })] } : {};
}

function note({ covered_by, by, reason, owner }: Found): string {
  const who = owner === "ours" ? (by ?? "") : "";
  return [covered_by, who, reason].filter((words) => words !== null && words !== "").join(" · ");
}
