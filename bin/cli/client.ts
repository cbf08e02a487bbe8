import { randomUUID } from "node:crypto";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import type { Session } from "./deps.ts";

/** What the server said. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** From `Retry-After`, in milliseconds. */
  readonly retry_after_ms: number | null;
}

/** The server's REST API. */
export interface Client {
  /**
   * Sends a request. A POST whose connection breaks is sent once more, under the same key, so that it is done once.
   * @throws OpsError `unavailable` when the server cannot be reached, `outcome_unknown` when the connection broke again,
   * `upstream_refused` when what answers is no Switchboard
   */
  send(method: "GET" | "POST", path: string, body?: object): Promise<Answer>;
}

const DEFAULT_URL = "http://127.0.0.1:8080";
/** Longer than any inline command may take. */
const TIMEOUT_MS = 120_000;

/**
 * A client for `SWITCHBOARD_URL`, with `SWITCHBOARD_KEY` where it is set.
 * @throws OpsError `bad_request` when one of the two cannot be used
 */
export function createClient(session: Session): Client {
  const base = baseUrl(session.env["SWITCHBOARD_URL"]?.trim() || DEFAULT_URL);
  const headers = {
    accept: "application/json",
    "accept-language": session.locale,
    ...authorization(session.env["SWITCHBOARD_KEY"]?.trim()),
  };
  return {
    async send(method, path, body) {
      const key = method === "POST" ? { "idempotency-key": randomUUID() } : {};
      const sent = {
        method,
        headers: { ...headers, ...key, ...(body !== undefined && { "content-type": "application/json" }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      };
      const attempt = () => ask(session, { base, path, sent });
      if (method === "GET") return attempt();
      try {
        return await attempt();
      } catch (thrown) {
        if (!(thrown instanceof OpsError) || thrown.code !== "outcome_unknown") throw thrown;
        // A server that is gone by now may have accepted the first one all the same.
        return attempt().catch((again: unknown) => {
          throw again instanceof OpsError && again.code === "unavailable" ? thrown : again;
        });
      }
    },
  };
}

/** A request with all that belongs to it. */
interface Prepared {
  readonly base: string;
  readonly path: string;
  readonly sent: { readonly method: "GET" | "POST"; readonly headers: Record<string, string>; readonly body?: string };
}

async function ask(session: Session, { base, path, sent }: Prepared): Promise<Answer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await readAnswer(await session.fetch(`${base}${path}`, { ...sent, signal }), base);
  } catch (cause) {
    if (signal.aborted) throw new OpsError("unavailable", "no answer in time", { text: text("cli.no_answer", { url: base }), cause });
    throw toFailure(cause, sent.method, base);
  }
}

function toFailure(cause: unknown, method: "GET" | "POST", url: string): OpsError {
  if (cause instanceof OpsError) return cause;
  if (method === "POST" && !isUnsent(cause))
    return new OpsError("outcome_unknown", "the connection broke", { text: text("cli.broken", { url }), cause });
  return new OpsError("unavailable", "the server cannot be reached", { text: text("cli.unreachable", { url }), cause });
}

/** What is known of an error of Node's network: https://nodejs.org/api/errors.html#class-systemerror, and undici's own codes. */
interface NetworkError {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly message?: unknown;
  readonly errors?: readonly unknown[];
}

/** Errors of TLS: nothing is sent before both sides trust each other. */
const TLS = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** Whether `fetch` failed before anything was sent: no such host, nobody there, no trust. Of what is not known so, anything may have been sent. */
function isUnsent(thrown: unknown): boolean {
  const { code, syscall, message, errors }: NetworkError = (thrown instanceof Error && thrown.cause) || {};
  // A host with several addresses fails with an error for each.
  if (errors && errors.length > 0) return errors.every((cause) => isUnsent(new Error("fetch failed", { cause })));
  if (syscall === "connect" || syscall === "getaddrinfo" || code === "UND_ERR_CONNECT_TIMEOUT") return true;
  return TLS.test(String(code)) || message === "bad port";
}

async function readAnswer(response: Response, base: string): Promise<Answer> {
  const words = await response.text();
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  try {
    return { status: response.status, body: JSON.parse(words), retry_after_ms: Number.isNaN(seconds) ? null : seconds * 1_000 };
  } catch (cause) {
    throw new OpsError("upstream_refused", "no JSON", { text: text("cli.not_switchboard", { url: base }), cause });
  }
}

function baseUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url && /^https?:$/.test(url.protocol) && url.username === "") return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  throw new OpsError("bad_request", "SWITCHBOARD_URL", { text: text("cli.bad_url") });
}

function authorization(key: string | undefined): { readonly authorization?: string } {
  if (!key) return {};
  if (/^[\x21-\x7e]+$/.test(key)) return { authorization: `Bearer ${key}` };
  throw new OpsError("bad_request", "SWITCHBOARD_KEY", { text: text("cli.bad_key") });
}
