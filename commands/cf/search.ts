import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { raw, type Text, text } from "../../core/reply.ts";
import { addresses } from "../fields.ts";

const Found = z.object({
  ip: z.string(),
  status: z.enum(["blocked", "not_blocked"]),
  rule_ids: z.array(z.string()).readonly(),
  notes: z.string().nullable(),
  since: z.string().nullable(),
});

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
  execution: { mode: "queued", timeout_ms: 60_000, attempts: 4 },
  async handle({ ip }, { ports, signal }) {
    const results: z.infer<typeof Found>[] = [];
    for (const address of ip) {
      const [rule, ...others] = await ports.edge.find(address, signal);
      const rule_ids = rule ? [rule, ...others].map(({ rule_id }) => rule_id) : [];
      results.push({
        ip: address,
        status: rule ? "blocked" : "not_blocked",
        rule_ids,
        notes: rule?.notes ?? null,
        since: rule?.created_at ?? null,
      });
    }
    return { results };
  },
  present({ results }) {
    const [only] = results;
    if (only && results.length === 1)
      return { tone: "info", title: text(`cf.search.${only.status}`, { ip: only.ip }), fields: details(only) };
    const columns = [text("cf.column.ip"), text("cf.column.status"), text("cf.column.note")];
    const rows = results.map(({ ip, status, notes }): Text[] => [raw(ip), text(`cf.status.${status}`), raw(notes ?? "")]);
    return { tone: "info", title: text("cf.search.title", { count: results.length }), table: { columns, rows } };
  },
});

function details({ rule_ids, notes, since }: z.infer<typeof Found>) {
  return [
    ...(since ? [{ label: text("cf.since"), value: text("moment", { moment: { at: since } }) }] : []),
    ...(notes ? [{ label: text("cf.notes"), value: raw(notes) }] : []),
    ...rule_ids.map((rule_id) => ({ label: text("cf.rule"), value: raw(rule_id), code: true })),
  ];
}
