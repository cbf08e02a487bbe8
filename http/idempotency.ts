import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { OpsError, toOpsError } from "../core/errors.ts";
import { text } from "../core/reply.ts";
import type { KeptAnswer } from "../core/stores.ts";
import { invalidInput } from "../core/text/invalid-input.ts";
import type { Auth } from "./auth.ts";
import { canonicalHash } from "./canonical.ts";
import type { HttpDeps } from "./deps.ts";

const HEADER = "idempotency-key";
const KEY = /^[\x21-\x7e]{1,255}$/;

/** Refusals that say nothing of what was asked: a role may be given, a limit passes. They are not kept, so the same key may succeed later. */
const NOT_KEPT: ReadonlySet<number> = new Set([401, 403, 429]);

/**
 * Makes every POST of a scope safe to repeat with an `Idempotency-Key` (contract, "REST"). The key is stored before anything is dispatched,
 * with the id that the request is dispatched as: whoever comes again after a crash is the same request, and so the same run.
 * The routes must know their caller (`auth.require`) by then.
 */
export function addIdempotency(scope: FastifyInstance, deps: Pick<HttpDeps, "idempotency" | "log">, auth: Auth): void {
  /** Requests whose answer is to be kept. */
  const open = new WeakSet<FastifyRequest>();

  const begin = async (request: FastifyRequest, reply: FastifyReply, key: string | readonly string[]) => {
    if (typeof key !== "string" || !KEY.test(key)) throw invalidInput("Idempotency-Key", text("http.idempotency_key"));
    const { body, query, params } = request;
    const body_hash = canonicalHash({ key, body, query, params });
    const slot = { owner: auth.callerOf(request).identity, route: routeOf(request), key };
    const first = await deps.idempotency.begin(slot, { body_hash, request_id: request.id });
    if (first.body_hash !== body_hash)
      throw new OpsError("idempotency_mismatch", "another request under this key", { text: text("http.idempotency_mismatch") });
    request.id = first.request_id;
    reply.header("x-request-id", request.id);
    if (first.answer) return void replay(reply, first.answer);
    open.add(request);
  };
  // Most requests have no key: for them a callback costs less than a promise.
  scope.addHook("preHandler", (request, reply, done) => {
    const key = request.method === "POST" ? request.headers[HEADER] : undefined;
    if (key === undefined) return done();
    begin(request, reply, key).then(() => reply.sent || done(), done);
  });

  const keep = async (request: FastifyRequest, reply: FastifyReply, payload: string) => {
    const answer = { status: reply.statusCode, content_type: String(reply.getHeader("content-type") ?? ""), body: payload };
    // What is accepted stays accepted: an answer that cannot be kept is given, and asking again leads to the same run.
    const kept = await deps.idempotency.keep(request.id, answer).catch((thrown: unknown) => {
      deps.log.warn({ err: toOpsError(thrown), request_id: request.id }, "the answer to an idempotency key could not be kept");
      return answer;
    });
    // Of two that came at once, both get the answer of the first.
    reply.status(kept.status).type(kept.content_type);
    return kept.body;
  };
  scope.addHook("onSend", (request, reply, payload, done) => {
    if (!open.delete(request) || typeof payload !== "string" || reply.statusCode >= 500 || NOT_KEPT.has(reply.statusCode))
      return done(null, payload);
    keep(request, reply, payload).then((body) => done(null, body), done);
  });
}

/** The path with its parameters as they were understood, so that two spellings of one path are one route. */
function routeOf({ method, routeOptions, params }: FastifyRequest): string {
  const values = params as Readonly<Record<string, string>>;
  const path = (routeOptions.url ?? "").replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
  return `${method} ${path}`;
}

function replay(reply: FastifyReply, { status, content_type, body }: KeptAnswer): FastifyReply {
  // As bytes: text of this type would be put into quotes.
  return reply.status(status).type(content_type).header("idempotent-replayed", "true").send(Buffer.from(body));
}
