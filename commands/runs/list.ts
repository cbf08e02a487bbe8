import { z } from "zod";
import { type CommandContext, defineCommand } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import type { RunFilter } from "../../core/ports.ts";
import { raw, text } from "../../core/reply.ts";
import { includesRole } from "../../core/request.ts";
import { RUN_STATUSES } from "../../core/run.ts";
import { commandName, who } from "../fields.ts";
import { lineOf, nextPage } from "../next-page.ts";
import { findVisible, runId } from "./visible.ts";

/** Runs on a page: what a phone shows of a table without much scrolling. */
const PAGE = 15;

/** Lists the newest runs: the asker's own, and from operator on anybody's. */
export const runList = defineCommand({
  name: "run list",
  aliases: [],
  summary: { en: "List the newest runs", ko: "최근 실행 목록 보기", ru: "Показать последние запуски" },
  phrases: { en: ["what have I started", "list my runs"], ko: ["내가 시작한 작업 보여 줘"], ru: ["что я запускал"] },
  examples: {
    en: ["run_list", "run_list failed", "run_list --all --command cf_block"],
    ko: ["run_list failed"],
    ru: ["run_list failed"],
  },
  input: z.object({
    status: z.enum(RUN_STATUSES).optional().describe("Only runs in this state"),
    command: commandName.optional().describe("Only runs of this command"),
    person: who.optional().describe("Only runs of this person; for operators"),
    all: z.boolean().default(false).describe("Everybody's runs; for operators"),
    cursor: runId.optional().describe("The run after which the page begins"),
  }),
  output: z.object({
    runs: z.array(
      z.object({ run_id: z.string(), command: z.string(), status: z.enum(RUN_STATUSES), identity: z.string(), created_at: z.string() }),
    ),
    /** The line that shows the next page. */
    next: z.string().nullable(),
  }),
  positional: ["status"],
  role: "viewer",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 5_000 },
  async handle(input, context) {
    const found = await context.ports.runs.list({ ...(await filterOf(input, context)), limit: PAGE + 1 });
    const runs = found.slice(0, PAGE).map(({ run_id, command, status, identity, created_at }) => {
      return { run_id, command, status, identity, created_at };
    });
    const { status, command, person, all } = input;
    const cursor = found.length > PAGE ? runs.at(-1)?.run_id : undefined;
    return { runs, next: cursor === undefined ? null : lineOf("run_list", { cursor, status, command, person, all }) };
  },
  present({ runs, next }) {
    if (runs.length === 0) return { tone: "info", title: text("run_list.none") };
    const columns = ["run.id", "run_list.command", "run_list.status", "run.asked_by", "run.asked_at"].map((key) => text(key));
    const rows = runs.map(({ run_id, command, status, identity, created_at }) => {
      const words = [raw(run_id), raw(command), text(`run.state.${status}`), raw(identity)];
      return [...words, text("moment", { moment: { at: created_at } })];
    });
    return { tone: "info", title: text("run_list.title", { count: runs.length }), table: { columns, rows }, ...nextPage(next) };
  },
});

interface Wanted {
  readonly status?: string | undefined;
  readonly command?: string | undefined;
  readonly person?: string | undefined;
  readonly all: boolean;
  readonly cursor?: string | undefined;
}

async function filterOf(wanted: Wanted, context: CommandContext): Promise<Omit<RunFilter, "limit">> {
  const { status, command, cursor } = wanted;
  return {
    ...(await whose(wanted, context)),
    ...(status !== undefined && { status }),
    ...(command !== undefined && { command }),
    ...(cursor !== undefined && { before: await positionOf(cursor, context) }),
  };
}

/** A person has all their identities' runs; a key or `local` is known by its name alone. */
async function whose(
  { person: identity, all }: Wanted,
  { person, ports }: CommandContext,
): Promise<Pick<RunFilter, "person_id" | "identity">> {
  if (!all && identity === undefined) return { person_id: person.person_id };
  const known = identity === undefined ? null : await ports.people.find(identity);
  const theirs = known?.person_id === person.person_id;
  if (!theirs && !includesRole(person.role, "operator"))
    throw new OpsError("forbidden", `${person.person_id} may not see others' runs`, { text: text("run_list.own_only") });
  if (known) return { person_id: known.person_id };
  return identity === undefined ? {} : { identity };
}

async function positionOf(cursor: string, context: CommandContext): Promise<NonNullable<RunFilter["before"]>> {
  const run = await findVisible(cursor, context);
  if (run) return { created_at: run.created_at, run_id: run.run_id };
  throw new OpsError("not_found", `no run ${cursor} to go on after`, { text: text("run_list.cursor_gone") });
}
