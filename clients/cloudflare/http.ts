import http from "node:http";
import https from "node:https";

/** One HTTP call. */
export interface HttpCall {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

/** A connection that nobody uses is kept for so long, in milliseconds: less than the 5 s after which a Node server closes it. */
const IDLE_MS = 4_000;
const AGENT = { keepAlive: true, timeout: IDLE_MS } as const;
const agents = { "http:": new http.Agent(AGENT), "https:": new https.Agent(AGENT) };
/** What is read of an answer besides its status and body. */
const HEADERS = ["content-type", "retry-after"];

/**
 * Makes one HTTP call and reads its whole answer. The same as `fetch`, which costs three times as much: the calls of an SDK need no streams. It
 * follows no redirect.
 * @throws the signal's reason, or an error of Node's sockets
 */
export function callHttp(url: string, { method, headers, body, signal }: HttpCall): Promise<Response> {
  const target = new URL(url);
  const isPlain = target.protocol === "http:";
  const { request } = isPlain ? http : https;
  return new Promise((resolve, reject) => {
    // A signal that is aborted makes Node's own error of it.
    const fail = (thrown: unknown) => reject(signal.aborted ? signal.reason : thrown);
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const sent = request(
      target,
      { method, headers: { ...headers, ...length }, agent: agents[isPlain ? "http:" : "https:"], signal },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.once("error", fail);
        answer.once("end", () => {
          try {
            resolve(toResponse(answer, parts));
          } catch (thrown) {
            // A status or a body that no answer may have.
            fail(thrown);
          }
        });
      },
    );
    sent.once("error", fail);
    sent.end(body);
  });
}

function toResponse({ statusCode = 0, headers }: http.IncomingMessage, parts: readonly Buffer[]): Response {
  const text = parts.length === 1 ? String(parts[0]) : Buffer.concat(parts).toString();
  const kept = HEADERS.flatMap((name): [string, string][] => (typeof headers[name] === "string" ? [[name, headers[name]]] : []));
  return new Response(text === "" ? null : text, { status: statusCode, headers: kept });
}
