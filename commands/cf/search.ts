import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { raw, type Text, text } from "../../core/reply.ts";
import { networks } from "../fields.ts";
import { LIST_TIMEOUT_MS } from "./each-address.ts";
import { describeNetwork, detailsOf, Found, noteOn } from "./found.ts";
import { laneOf, piecesOf, refuseImpossible } from "./places.ts";
import { containing } from "./rules.ts";

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
    const standing = await ports.edge.lookUp(pieces, { lane: laneOf(ip, ports), signal });
    const ranges = ip.flatMap((network) => containing(network, standing).map((rule) => rule.network));
    const blocks = await ports.ledger.find([...new Set([...pieces, ...ranges])]);
    return { results: ip.map((network) => describeNetwork(network, { scopes: ports.edge.scopes, standing, blocks })) };
  },
  present({ results }) {
    const [only] = results;
    if (only && results.length === 1) {
      const title = text(`cf.search.${only.status}`, { ip: only.ip });
      return { tone: only.missing ? "warn" : "info", title, fields: detailsOf(only), ...advice(only) };
    }
    const columns = [text("cf.column.ip"), text("cf.column.status"), text("cf.column.note")];
    const rows = results.map((found): Text[] => [raw(found.ip), text(`cf.status.${found.status}`), raw(noteOn(found))]);
    return { tone: "info", title: text("cf.search.title", { count: results.length }), table: { columns, rows } };
  },
});

function advice({ missing, ip }: Found) {
  return missing ? { lines: [text("cf.search.missing", { command: `/cf_block ${ip}`, release: `/cf_release ${ip}` })] } : {};
}
