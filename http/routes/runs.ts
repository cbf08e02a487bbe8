import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { includesRole } from "../../core/request.ts";
import { type ListedRun, RUN_STATUSES, type RunView } from "../../core/run.ts";
import { parseInput } from "../../core/text/issues.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { negotiateLocale } from "../language.ts";
import type { RouteDeps } from "./commands.ts";

const PAGE = 50;
const MAX_PAGE = 200;

/** The query of the list. */
export const RunQuery = z.object({
  status: z.enum(RUN_STATUSES).optional().describe("Only runs in this state"),
  command: z
    .string()
    .regex(/^[\w ]{1,64}$/)
    .optional()
    .describe("Only runs of this command"),
  cursor: z.string().max(300).optional().describe("next_cursor of the page before"),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(PAGE).describe("Runs on a page"),
});

/** Runs, newest first. A viewer sees their own; that there are others is not told. */
export function runRoutes(api: FastifyInstance, { deps, auth }: RouteDeps): void {
  /** The person whose runs alone may be seen; undefined for whoever sees all. */
  const onlyOf = (request: FastifyRequest) => {
    const { person } = auth.callerOf(request);
    return includesRole(person.role, "operator") ? undefined : person.person_id;
  };
  const show = (request: FastifyRequest, run: RunView) => {
    const { person_id, identity, error, ...rest } = run;
    const locale = negotiateLocale(request.headers["accept-language"], deps.locale);
    const zone = auth.callerOf(request).person.zone ?? deps.zone;
    return { ...rest, person: identity, error: error && { code: error.code, detail: deps.texts.say(error.text, locale, zone) } };
  };

  api.get<{ Params: { run_id: string } }>("/runs/:run_id", async (request) => {
    const { run_id } = request.params;
    const run = /^[\w-]{1,64}$/.test(run_id) ? await deps.runs.get(run_id) : null;
    const only = onlyOf(request);
    if (run && (only === undefined || run.person_id === only)) return show(request, run);
    throw new OpsError("not_found", "no such run for this person", { text: text("http.no_run") });
  });

  api.get("/runs", async (request) => {
    const { status, command, cursor, limit } = readQuery(request.query);
    const only = onlyOf(request);
    const found = await deps.runs.listWithOutputs({
      limit: limit + 1,
      ...(only !== undefined && { person_id: only }),
      ...(status !== undefined && { status }),
      ...(command !== undefined && { command: command.trim().replaceAll(" ", "_").toLowerCase() }),
      ...(cursor !== undefined && { before: decodeCursor(cursor) }),
    });
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    const listed = ({ output_left_out, ...run }: ListedRun) => ({ ...show(request, run), ...(output_left_out && { output_left_out }) });
    return { runs: page.map(listed), next_cursor: last ? encodeCursor(last) : null };
  });
}

/** An empty parameter is an absent one: `?status=&cursor=`. */
function readQuery(query: unknown): z.infer<typeof RunQuery> {
  const given = Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== "");
  return parseInput({ input: RunQuery }, Object.fromEntries(given));
}
