import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";

/** A refusal of the person's side, answered as problem+json. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  /** As Fastify names it, for the error handlers of the platforms. */
  readonly statusCode: number;
  readonly code: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];

  constructor(status: number, code: string, detail: string, errors: Problem["errors"] = []) {
    super(detail);
    this.status = status;
    this.statusCode = status;
    this.code = code;
    this.errors = errors;
  }
}

/** A 422 that names one field. */
export function invalid(path: string, message: string): Problem {
  return new Problem(422, "invalid_input", `${path}: ${message}`, [{ path, message }]);
}

/** Checks a body or a query; throws a 422 that names every field that is wrong. */
export function check<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
  const [first] = errors;
  throw new Problem(422, "invalid_input", first?.path ? `${first.path}: ${first.message}` : (first?.message ?? "not valid"), errors);
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
};

/** Turns whatever a route threw into problem+json; what we did not foresee stays a plain 500. */
export function answerProblem(thrown: FastifyError | Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = thrown instanceof Problem ? thrown.status : (thrown.statusCode ?? 500);
  if (status >= 500) request.log.error(thrown);
  const code = thrown instanceof Problem ? thrown.code : status >= 500 ? "internal" : "bad_request";
  const detail = status >= 500 ? "the sandbox failed" : thrown.message;
  const errors = thrown instanceof Problem && thrown.errors.length > 0 ? { errors: thrown.errors } : {};
  const body = { status, code, title: TITLES[status] ?? "Error", detail, ...errors, request_id: request.id };
  return reply.code(status).type("application/problem+json").send(body);
}
