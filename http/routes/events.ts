import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { OpsError } from "../../core/errors.ts";
import { decodeEventCursor, encodeEventCursor } from "../../core/events/cursor.ts";
import type { CollectedEvent } from "../../core/events/event.ts";
import { EventInput, parseEvent, WORD_CHARS } from "../../core/events/event.ts";
import { type ReceivedAt, toReceivedAt } from "../../core/events/time.ts";
import { text } from "../../core/reply.ts";
import { invalidInput, invalidInputs } from "../../core/text/invalid-input.ts";
import { toIssues } from "../../core/text/sentence.ts";
import type { Auth } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { addIdempotency } from "../idempotency.ts";
import { negotiateLocale } from "../language.ts";
import { sendProblem } from "../problem.ts";

/** Events in one request (contract, "Dialect of the event collector"). */
const MANY = 1_000;
const PAGE = 100;
const MAX_PAGE = 1_000;

/** Written out, and sent as it is: a string goes in one write with its headers. */
const ACCEPTED = '{"is_success":"true"}';
const JSON_TYPE = "application/json; charset=utf-8";

/** In a query numbers are words. */
function toNumber(given: unknown): unknown {
  return typeof given === "string" && /^\d{1,9}$/.test(given) ? Number(given) : given;
}

/** Whom to search for, in the query, the path or the body. */
export const EventQuery = z.object({
  user_id: EventInput.shape.user_id,
  limit: z.preprocess(toNumber, z.number().int().min(1).max(MAX_PAGE).default(PAGE)).describe("Events on a page"),
  cursor: z
    .string()
    .max(8 * WORD_CHARS)
    .optional()
    .describe("next_cursor of the page before"),
});

/** The collector's clients look at this alone; everything else is the problem document that all routes have. */
export const NO_SUCCESS = { is_success: "false" } as const;

type Deps = Pick<HttpDeps, "events" | "idempotency" | "texts" | "locale" | "zone" | "log">;

/** The routes of the event collector, as its clients know them (contract, "Dialect of the event collector"). */
export function eventRoutes(deps: Deps, auth: Auth): FastifyPluginAsync {
  return async (api) => {
    api.setErrorHandler((error, request, reply) => sendProblem(deps, request, reply, error, NO_SUCCESS));
    api.register(async (scope) => {
      scope.addHook("onRequest", auth.requireCollector());
      addIdempotency(scope, deps, auth);
      let at = toReceivedAt(0, deps.events.retention_days);
      const handler = (request: FastifyRequest, reply: FastifyReply) => {
        const now_ms = Date.now();
        if (now_ms !== at.now_ms) at = toReceivedAt(now_ms, deps.events.retention_days);
        return collect(deps, { at, request, reply });
      };
      for (const path of ["/collect", "/event"]) scope.post(path, handler);
    });
    api.register(async (scope) => {
      scope.addHook("onRequest", auth.require("viewer", { remembered: true }));
      addIdempotency(scope, deps, auth);
      scope.post("/search", (request) => search(deps, request.body));
      scope.get("/event", (request) => search(deps, queryOf(request)));
      scope.get<{ Params: { user_id: string } }>("/event/:user_id", (request) =>
        search(deps, { ...queryOf(request), ...(request.params as object) }),
      );
    });
  };
}

/** `GET /api/v1/events/{event_id}`: what became of an event. For whoever may send events, too. */
export function receiptRoute(server: FastifyInstance, deps: Deps, auth: Auth): void {
  server.get<{ Params: { event_id: string } }>("/api/v1/events/:event_id", {
    onRequest: auth.require("ingest", { remembered: true }),
    handler: async ({ params }) => {
      const { event_id } = params;
      const receipt = event_id.length <= WORD_CHARS && !event_id.includes("\0") ? await deps.events.receipt(event_id) : null;
      if (receipt) return receipt;
      throw new OpsError("not_found", "no such event", { text: text("events.unknown") });
    },
  });
}

function collect(deps: Deps, { at, request, reply }: Exchange): Promise<FastifyReply> {
  const { body } = request;
  if (Array.isArray(body)) return collectMany(deps, body, { at, request, reply });
  const { event, issues } = parseEvent(body, at);
  if (issues) throw invalidInputs(issues);
  return deps.events.collect([event]).then(() => reply.type(JSON_TYPE).send(ACCEPTED));
}

interface Exchange {
  readonly at: ReceivedAt;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Each item for itself: what is wrong with one stops no other. Where nothing is right, nothing is accepted. */
async function collectMany(deps: Deps, items: readonly unknown[], { at, request, reply }: Exchange): Promise<FastifyReply> {
  if (items.length === 0) throw invalidInput("", text("events.none"));
  if (items.length > MANY) throw invalidInput("", text("events.too_many", { max: MANY }));
  const parsed = items.map((item) => parseEvent(item, at));
  const events = parsed.flatMap(({ event }): readonly CollectedEvent[] => (event ? [event] : []));
  if (events.length === 0)
    throw invalidInputs(
      parsed.flatMap(({ issues = [] }, index) => issues.map(({ path, message }) => ({ path: `${index}${path && "."}${path}`, message }))),
    );
  await deps.events.collect(events);
  const locale = negotiateLocale(request.headers["accept-language"], deps.locale);
  const results = parsed.map(({ event, issues }, index) => {
    if (event) return { event_id: event.event_id, is_success: "true" };
    const error = issues.map(({ message }) => deps.texts.say(message, locale, deps.zone)).join(" ");
    return { event_id: idOf(items[index]), is_success: "false", error };
  });
  return reply.send({ is_success: "true", results });
}

/** What names an item that is none of ours. */
function idOf(item: unknown): string | null {
  const given = typeof item === "object" && item !== null && "event_id" in item ? item.event_id : null;
  return typeof given === "string" || typeof given === "number" ? String(given).slice(0, WORD_CHARS) : null;
}

async function search({ events }: Deps, given: unknown) {
  const { user_id, limit, cursor } = readQuery(given);
  const found = await events.search({ user_id, limit: limit + 1, ...(cursor !== undefined && { after: decodeEventCursor(cursor) }) });
  const results = found.slice(0, limit);
  const last = found.length > limit ? results.at(-1) : undefined;
  return { is_success: "true", results, ...(last && { next_cursor: encodeEventCursor(last) }) };
}

/** The query's parameters. Its parser would take what is no UTF-8 for the words as they stand. */
function queryOf({ url, query }: Pick<FastifyRequest, "url" | "query">): object {
  try {
    decodeURIComponent(url.slice(url.indexOf("?") + 1));
  } catch (cause) {
    throw new OpsError("bad_request", "the query is not UTF-8", { text: text("http.bad_url"), cause });
  }
  return query as object;
}

/** An empty parameter is an absent one: `?cursor=`. */
function readQuery(given: unknown): z.infer<typeof EventQuery> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw invalidInput("", text("parse.not_an_object"));
  const input = Object.fromEntries(Object.entries(given).filter(([name, value]) => name === "user_id" || value !== ""));
  const parsed = EventQuery.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalidInputs(toIssues(parsed.error, { input, secret: [] }));
}
