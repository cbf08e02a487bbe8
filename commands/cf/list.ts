import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { LIST_KINDS, type ListEntry } from "../../core/ledger.ts";
import { type Reply, raw, type Text, text } from "../../core/reply.ts";
import { toCsv } from "../../core/text/csv.ts";
import { refuseImpossible } from "./places.ts";

/** Lines of a page: as many as a phone shows without much scrolling. */
const PAGE = 20;
/** So many lines a file has at most: what the largest plans of Cloudflare hold, and a file that can still be sent. More of them are several files. */
const FILE_LINES = 50_000;
/** A reading of all rules that is younger than this is shown again instead of a new one. */
const FRESH_MS = 60_000;

const Entry = z.object({
  network: z.string(),
  scope: z.string(),
  rule_id: z.string().nullable(),
  owner: z.enum(["ours", "foreign"]),
  drift: z.enum(["missing", "changed"]).nullable(),
  since: z.string().nullable(),
  identity: z.string().nullable(),
  reason: z.string().nullable(),
  expires_at: z.string().nullable(),
});

const Output = z.object({
  entries: z.array(Entry).readonly(),
  kind: z.enum(LIST_KINDS),
  total: z.int(),
  page: z.int(),
  pages: z.int(),
  /** When Cloudflare's rules were read. */
  as_of: z.string().nullable(),
  ours: z.int(),
  foreign: z.int(),
  drift: z.int(),
  csv: z.boolean(),
});

/** Lists what is blocked: ours from the ledger, and rules of others as Cloudflare holds them. */
export const cfList = defineCommand({
  name: "cf list",
  aliases: [],
  summary: { en: "List blocked IP addresses", ko: "차단된 IP 주소 목록", ru: "Список заблокированных IP-адресов" },
  phrases: {
    en: ["what is blocked", "show all blocked addresses"],
    ko: ["차단 목록 보여 줘", "지금 막혀 있는 주소"],
    ru: ["что заблокировано", "покажи все блокировки"],
  },
  examples: {
    en: ["cf_list", "cf_list foreign --page 2", "cf_list --csv"],
    ko: ["cf_list", "cf_list --csv"],
    ru: ["cf_list", "cf_list --csv"],
  },
  input: z.object({
    kind: z.enum(LIST_KINDS).default("all").describe("Which: all, ours, foreign (made by others), drift (gone or changed at Cloudflare)"),
    page: z.int().min(1).max(10_000).default(1).describe("Which page; with csv which file"),
    csv: z.boolean().default(false).describe("As a CSV file of 50,000 lines at most"),
  }),
  output: Output,
  positional: ["kind"],
  role: "viewer",
  effect: "read",
  execution: { mode: "queued", timeout_ms: 120_000, attempts: 4 },
  check: (_input, ports) => refuseImpossible([], ports),
  async handle({ kind, page, csv }, { ports, signal }) {
    const { scopes } = ports.edge;
    const comparison = await ports.reconciler.refresh(FRESH_MS, signal);
    const limit = csv ? FILE_LINES : PAGE;
    const { entries, total } = await ports.rules.list({ scopes, kind, offset: (page - 1) * limit, limit });
    return { entries, total, kind, page, pages: Math.max(1, Math.ceil(total / limit)), csv, ...comparison };
  },
  present(list) {
    const { entries, total, page, pages, csv } = list;
    const reply: Reply = {
      tone: list.drift > 0 ? "warn" : "info",
      title: text(`cf.list.${list.kind}`, { count: total }),
      fields: summary(list),
    };
    if (csv) return { ...reply, file: fileOf(list), ...(Math.max(page, pages) > 1 && partOf(list)) };
    if (entries.length === 0) return page > pages ? { ...reply, ...pastTheEnd(list) } : reply;
    const columns = [text("cf.column.ip"), text("cf.column.until"), text("cf.column.why")];
    return {
      ...reply,
      table: { columns, rows: entries.map(toRow) },
      ...(pages > 1 && { buttons: turns(list), lines: [text("cf.list.page", { page, pages })] }),
    };
  },
});

type Output = z.infer<typeof Output>;

const CSV_HEADER = ["network", "scope", "rule_id", "owner", "drift", "since", "by", "reason", "expires_at"];

function toCsvRow({ network, scope, rule_id, owner, drift, since, identity, reason, expires_at }: z.infer<typeof Entry>) {
  return [network, scope, rule_id, owner, drift, since, identity, reason, expires_at];
}

function fileOf({ entries, page }: Output): NonNullable<Reply["file"]> {
  const name = page === 1 ? "blocks.csv" : `blocks-${page}.csv`;
  return { name, media_type: "text/csv", content: toCsv([CSV_HEADER, ...entries.map(toCsvRow)]) };
}

/** That the file is a part of the list, in the first line, and how to get the others. */
function partOf(list: Output): Partial<Reply> {
  const { entries, total, page, pages, kind } = list;
  const from = (page - 1) * FILE_LINES + 1;
  return {
    tone: "warn",
    ...(entries.length > 0 && { title: text("cf.list.part", { from, to: from + entries.length - 1, count: total }) }),
    ...(page > pages && pastTheEnd(list)),
    ...(page < pages && { lines: [text("cf.list.next_file", { line: `/cf_list ${kind} --csv --page ${page + 1}` })] }),
    buttons: turns(list),
  };
}

function pastTheEnd({ page, pages }: Output) {
  return { tone: "warn", lines: [text("cf.list.no_page", { page, pages })] } as const;
}

function toRow({ network, owner, drift, identity, reason, expires_at }: Omit<ListEntry, "scope">): Text[] {
  const until = drift ? text(`cf.drift.${drift}`) : expires_at ? text("moment", { moment: { at: expires_at } }) : raw("–");
  const who = owner === "foreign" ? text("cf.foreign") : raw(identity ?? "");
  return [raw(network), until, reason ? text("cf.list.why", { who, reason }) : who];
}

function summary({ as_of, ours, foreign, drift }: Output) {
  return [
    { label: text("cf.list.counts"), value: text("cf.list.counted", { ours, foreign, drift }) },
    ...(as_of ? [{ label: text("cf.list.as_of"), value: text("moment", { moment: { at: as_of } }) }] : []),
  ];
}

function turns({ kind, page, pages, csv }: Output): NonNullable<Reply["buttons"]> {
  const to = (key: string, at: number) => ({
    label: text(key),
    action: { kind: "say" as const, line: `cf_list ${kind}${csv ? " --csv" : ""} --page ${at}` },
  });
  return [
    ...(page > 1 ? [to("reply.previous_page", Math.min(page - 1, pages))] : []),
    ...(page < pages ? [to("reply.next_page", page + 1)] : []),
  ];
}
