import type { FastifyReply, FastifyRequest } from "fastify";
import { ERROR_CODES, type ErrorCode, OpsError, toOpsError } from "../core/errors.ts";
import type { Locale } from "../core/locale.ts";
import { text } from "../core/reply.ts";
import type { HttpDeps } from "./deps.ts";
import { negotiateLocale } from "./language.ts";

type ProblemDeps = Pick<HttpDeps, "texts" | "locale" | "zone" | "log">;

/** The body of every error (RFC 9457), with our own members `code`, `errors` and `request_id`. */
export interface Problem {
  readonly status: number;
  readonly code: ErrorCode;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly request_id: string;
}

/** What Fastify's own errors are in our table; any other of its 4xx is `bad_request`. */
const FASTIFY_ERRORS: Readonly<Record<string, readonly [code: ErrorCode, key: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ["too_large", "http.body_too_large"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["unsupported_media_type", "http.body_not_json_type"],
  FST_ERR_CTP_INVALID_JSON_BODY: ["bad_request", "http.body_not_json"],
  FST_ERR_BAD_URL: ["bad_request", "http.bad_url"],
  FST_ERR_MAX_PARAM_LENGTH: ["not_found", "http.no_route"],
};

/** Seconds to wait where the error itself names no time: a window of the line limit, and a short break of a service. */
const DEFAULT_RETRY_SECONDS: Readonly<Record<number, number>> = { 429: 60, 503: 5 };

/**
 * Says what went wrong, in the reader's language. What was no fault of the reader is logged and told as one fixed sentence.
 * @param members further members of the document, which a dialect's clients look for
 */
export function sendProblem(
  deps: ProblemDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  ...[thrown, members]: [thrown: unknown, members?: Readonly<Record<string, string>>]
): FastifyReply {
  const error = toHttpError(thrown);
  if (error.code === "internal") deps.log.error({ err: error, request_id: request.id }, "a request failed");
  const problem = toProblem(deps, error, {
    locale: negotiateLocale(request.headers["accept-language"], deps.locale),
    request_id: request.id,
  });
  const wait = retrySeconds(error);
  if (wait !== undefined) reply.header("retry-after", wait);
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  return reply
    .header("x-request-id", request.id)
    .status(problem.status)
    .type("application/problem+json")
    .send({ ...members, ...problem });
}

/** The document for an error. */
export function toProblem(
  { texts, zone }: Pick<HttpDeps, "texts" | "zone">,
  error: OpsError,
  { locale, request_id }: { readonly locale: Locale; readonly request_id: string },
): Problem {
  const detail = error.code === "internal" ? text("errors.internal_request", { request_id }) : error.text;
  const errors = error.issues.map(({ path, message }) => ({ path, message: texts.say(message, locale, zone) }));
  return {
    status: ERROR_CODES[error.code].status,
    code: error.code,
    title: texts.say(text(`problems.${error.code}`), locale, zone),
    detail: texts.say(detail, locale, zone),
    ...(errors.length > 0 && { errors }),
    request_id,
  };
}

function retrySeconds(error: OpsError): number | undefined {
  const fallback = DEFAULT_RETRY_SECONDS[ERROR_CODES[error.code].status];
  if (fallback === undefined || error.retry_after_ms === undefined) return fallback;
  return Math.max(1, Math.ceil(error.retry_after_ms / 1_000));
}

function toHttpError(thrown: unknown): OpsError {
  if (thrown instanceof OpsError || !(thrown instanceof Error)) return toOpsError(thrown);
  const { code = "", statusCode = 500 } = thrown as { code?: string; statusCode?: number };
  if (statusCode < 400 || statusCode >= 500) return toOpsError(thrown);
  const [ours, key] = FASTIFY_ERRORS[code] ?? ["bad_request", "errors.bad_request"];
  return new OpsError(ours, thrown.message, { text: text(key), cause: thrown });
}
