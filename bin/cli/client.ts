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
  /** @throws OpsError `unavailable` when the server cannot be reached or what answers is no Switchboard */
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
      const sent =
        body === undefined ? { headers } : { headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      try {
        return await readAnswer(await session.fetch(`${base}${path}`, { method, signal, ...sent }), base);
      } catch (cause) {
        if (cause instanceof OpsError) throw cause;
        const key = signal.aborted ? "cli.no_answer" : "cli.unreachable";
        throw new OpsError("unavailable", "the server cannot be reached", { text: text(key, { url: base }), cause });
      }
    },
  };
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
