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
      return parse(request, decoder.decode(body), done);
    } catch (cause) {
      return done(new OpsError("bad_request", "the body is not UTF-8", { text: text("http.body_not_utf8"), cause }));
    }
  });
}

/** The body as an input that is still to be checked: none is an empty object. */
export function toInput(body: unknown): unknown {
  return body === undefined ? {} : body;
}
