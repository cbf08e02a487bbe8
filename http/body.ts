import type { FastifyInstance } from "fastify";
import { OpsError } from "../core/errors.ts";
import { text } from "../core/reply.ts";

/** Bodies are JSON in UTF-8 and nothing else. An empty body is none; keys that would reach a prototype make it unreadable. */
export function acceptJsonOnly(server: FastifyInstance): void {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const parse = server.getDefaultJsonParser("error", "error");
  server.removeAllContentTypeParsers();
  server.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    try {
      const json = decoder.decode(body);
      return parse(request, json, (error, value) => done(error && isJson(json) ? prototypeRefused(error) : error, value));
    } catch (cause) {
      return done(new OpsError("bad_request", "the body is not UTF-8", { text: text("http.body_not_utf8"), cause }));
    }
  });
}

/** What is JSON and was refused all the same holds a name that reaches for a prototype. */
function isJson(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

function prototypeRefused(cause: Error): OpsError {
  return new OpsError("bad_request", "the body reaches for a prototype", { text: text("http.body_prototype"), cause });
}

/** The body as an input that is still to be checked: none is an empty object. */
export function toInput(body: unknown): unknown {
  return body === undefined ? {} : body;
}
