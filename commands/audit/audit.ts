import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { raw, type Text, text } from "../../core/reply.ts";
import { toCsv } from "../../core/text/csv.ts";
import { commandName, who } from "../fields.ts";
import { lineOf, nextPage } from "../next-page.ts";
import { since, sinceAt } from "../since.ts";

/** Lines on a page of a chat. */
const PAGE = 10;
/** Lines of a file: about 2 MB. */
const FILE_LINES = 5_000;
/** Of an input this much is shown on a page; the file has all of it. */
const INPUT_CHARS = 80;

const Line = z.object({
  seq: z.number(),
  at: z.string(),
  identity: z.string(),
  action: z.string(),
  command: z.string().nullable(),
  /** Secrets were masked when the line was written. */
  input: z.record(z.string(), z.unknown()).nullable(),
  outcome: z.string(),
  request_id: z.string(),
  run_id: z.string().nullable(),
});

/** Shows who asked for what, and what became of it: newest first, page by page, or as a file. */
export const audit = defineCommand({
  name: "audit",
  aliases: [],
  summary: { en: "See who asked for what", ko: "누가 무엇을 요청했는지 보기", ru: "Кто что просил: журнал действий" },
  phrases: { en: ["who did what", "show the audit log"], ko: ["감사 기록 보여 줘"], ru: ["покажи журнал действий"] },
  examples: {
    en: ["audit", "audit --person telegram:1002 --since 24h", "audit --command cf_block --csv"],
    ko: ["audit --since 24h"],
    ru: ["audit --since 24h"],
  },
  input: z.object({
    person: who.optional().describe("Only what this person asked for"),
    command: commandName.optional().describe("Only this command"),
    since: since.optional().describe("From when on: 24h, 7d, 2026-11-27, or a moment with its zone"),
    before: z.number().int().min(1).optional().describe("Only lines with a lower number"),
    csv: z.boolean().default(false).describe("As a file of comma-separated values, up to 5,000 lines"),
  }),
  output: z.object({ at: z.string(), csv: z.boolean(), lines: z.array(Line), next: z.string().nullable() }),
  positional: [],
  role: "admin",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 10_000 },
  async handle({ person, command, since: from, before, csv }, { ports }) {
    const now = ports.clock.now();
    const limit = csv ? FILE_LINES : PAGE;
    const found = await ports.trail.list({
      limit: limit + 1,
      ...(person !== undefined && { identity: person }),
      ...(command !== undefined && { command }),
      ...(from !== undefined && { since: sinceAt(from, now) }),
      ...(before !== undefined && { before }),
    });
    const lines = found.slice(0, limit).map(({ person_id: _, ...line }) => line);
    const last = found.length > limit ? lines.at(-1)?.seq : undefined;
    const next = last === undefined ? null : lineOf("audit", { before: last, person, command, since: from, csv });
    return { at: now.toISOString(), csv, lines, next };
  },
  present({ at, csv, lines, next }) {
    if (lines.length === 0) return { tone: "info", title: text("audit.none") };
    const title = text("audit.title", { count: lines.length });
    const part = text("audit.part", { count: lines.length });
    if (csv)
      return { tone: next === null ? "info" : "warn", title: next === null ? title : part, file: fileOf(lines, at), ...nextPage(next) };
    const columns = ["#", "audit.at", "audit.who", "audit.what", "audit.outcome"].map((key) => (key === "#" ? raw(key) : text(key)));
    return { tone: "info", title, table: { columns, rows: lines.map(toRow) }, ...nextPage(next) };
  },
});

type AuditLine = z.infer<typeof Line>;

function toRow({ seq, at, identity, action, command, input, outcome }: AuditLine): Text[] {
  const words = [action === "ask" ? "" : action, command ?? "", input ? shorten(JSON.stringify(input)) : ""];
  return [
    raw(String(seq)),
    text("moment", { moment: { at } }),
    raw(identity),
    raw(words.filter((word) => word !== "").join(" ")),
    raw(outcome),
  ];
}

function shorten(words: string): string {
  const signs = [...words];
  return signs.length <= INPUT_CHARS ? words : `${signs.slice(0, INPUT_CHARS).join("")}…`;
}

function fileOf(lines: readonly AuditLine[], at: string) {
  const header = ["seq", "at", "identity", "action", "command", "input", "outcome", "request_id", "run_id"];
  const rows = lines.map(({ seq, at: when, identity, action, command, input, outcome, request_id, run_id }) => {
    return [seq, when, identity, action, command, input && JSON.stringify(input), outcome, request_id, run_id];
  });
  return { name: `audit-${at.slice(0, 10)}.csv`, media_type: "text/csv", content: toCsv([header, ...rows]) } as const;
}
