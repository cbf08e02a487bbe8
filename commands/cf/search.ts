import { z } from "zod";
import { type CommandContext, defineCommand } from "../../core/command.ts";
import { raw, type Text, text } from "../../core/reply.ts";
import { addresses } from "../fields.ts";
import { eachAddress, LIST_TIMEOUT_MS } from "./each-address.ts";

const Found = z.object({
  ip: z.string(),
  status: z.enum(["blocked", "not_blocked", "failed"]),
  rule_ids: z.array(z.string()).readonly(),
  notes: z.string().nullable(),
  since: z.string().nullable(),
  error: z.string().optional(),
});
type Found = z.infer<typeof Found>;

/** Says whether addresses are blocked, since when and why. */
export const cfSearch = defineCommand({
  name: "cf search",
  aliases: ["blocked"],
  summary: { en: "See whether IP addresses are blocked", ko: "IP 주소 차단 여부 확인", ru: "Проверить, заблокированы ли IP-адреса" },
  phrases: {
    en: ["is this address blocked", "look up a blocked ip"],
    ko: ["이 아이피 차단됐어", "차단 여부 조회"],
    ru: ["заблокирован ли адрес", "проверь блокировку"],
  },
  examples: { en: ["cf_search 203.0.113.7"], ko: ["cf_search 203.0.113.7"], ru: ["cf_search 2001:db8::7"] },
  input: z.object({ ip: addresses.describe("1 to 100 IPv4 or IPv6 addresses") }),
  output: z.object({ results: z.array(Found).readonly() }),
  positional: ["ip"],
  role: "viewer",
  effect: "read",
  execution: { mode: "queued", timeout_ms: LIST_TIMEOUT_MS, attempts: 4 },
  async handle({ ip }, context) {
    const carryOut = (address: string) => searchOne(address, context);
    const giveUp = (address: string, { code }: { code: string }): Found => ({ ...nothing(address), status: "failed", error: code });
    return { results: await eachAddress<Found>(ip, context, { carryOut, giveUp }) };
  },
  present({ results }) {
    const [only] = results;
    if (only && results.length === 1)
      return { tone: "info", title: text(`cf.search.${only.status}`, { ip: only.ip }), fields: details(only) };
    const columns = [text("cf.column.ip"), text("cf.column.status"), text("cf.column.note")];
    const rows = results.map(({ ip, status, notes, error }): Text[] => [
      raw(ip),
      text(`cf.status.${status}`),
      error ? text(`errors.${error}`) : raw(notes ?? ""),
    ]);
    const tone = results.every(({ error }) => error === undefined) ? "info" : "warn";
    return { tone, title: text("cf.search.title", { count: results.length }), table: { columns, rows } };
  },
});

const nothing = (ip: string): Found => ({ ip, status: "not_blocked", rule_ids: [], notes: null, since: null });

async function searchOne(ip: string, { ports, signal }: CommandContext): Promise<Found> {
  const rules = await ports.edge.find(ip, signal);
  const [rule] = rules;
  if (!rule) return nothing(ip);
  return { ip, status: "blocked", rule_ids: rules.map(({ rule_id }) => rule_id), notes: rule.notes, since: rule.created_at };
}

function details({ rule_ids, notes, since }: Found) {
  return [
    ...(since ? [{ label: text("cf.since"), value: text("moment", { moment: { at: since } }) }] : []),
    ...(notes ? [{ label: text("cf.notes"), value: raw(notes) }] : []),
    ...rule_ids.map((rule_id) => ({ label: text("cf.rule"), value: raw(rule_id), code: true })),
  ];
}
