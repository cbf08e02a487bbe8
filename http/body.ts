import type { FastifyInstance, FastifyRequest } from "fastify";
import { OpsError } from "../core/errors.ts";
import { text } from "../core/reply.ts";

/**
 * Bodies are JSON in UTF-8 and nothing else, whatever charset their type names. An empty body is none; keys that would reach a prototype make it
 * unreadable.
 */
export function acceptJsonOnly(server: FastifyInstance): void {
  // One byte order mark is taken off by the parser.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const parse = server.getDefaultJsonParser("error", "error");
  server.removeAllContentTypeParsers();
  server.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    let json: string;
    try {
      json = decoder.decode(body);
    } catch (cause) {
      return done(
        encodingRefused(request, cause) ??
          new OpsError("bad_request", "the body is not UTF-8", { text: text("http.body_not_utf8"), cause }),
      );
    }
    return parse(request, json, (error, value) =>
      done(error && (encodingRefused(request, error) ?? prototypeRefused(json, error) ?? error), value),
    );
  });
}

/** What cannot be read and is said to be compressed. It is looked at here alone, where it costs the others nothing. */
function encodingRefused({ headers }: FastifyRequest, cause: unknown): OpsError | null {
  const encoding = headers["content-encoding"];
  if (encoding === undefined || encoding === "identity") return null;
  return new OpsError("unsupported_media_type", "the body is compressed", { text: text("http.body_encoded"), cause });
}

/** What is JSON and was refused all the same holds a name that reaches for a prototype. */
function prototypeRefused(json: string, cause: Error): OpsError | null {
  try {
    JSON.parse(json.replace(/^\ufeff/, ""));
    return new OpsError("bad_request", "the body reaches for a prototype", { text: text("http.body_prototype"), cause });
  } catch {
    return null;
  }
}

/** The body as an input that is still to be checked: none is an empty object. */
export function toInput(body: unknown): unknown {
  return body === undefined ? {} : body;
}
