import type { EdgeLane } from "../../core/edge.ts";
import type { OpsError } from "../../core/errors.ts";
import { callHttp, type HttpCall } from "./http.ts";
import type { Pace } from "./pace.ts";

/** How long one HTTP call may take, its body included, in milliseconds. */
export const CALL_TIMEOUT_MS = 10_000;
/** Codes of Node for a call that was never made: it found no connection, or its headers cannot be sent. */
const NEVER_SENT = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ERR_INVALID_CHAR"];

/** What is known of the calls that one operation of the edge makes. */
export interface Trace {
  /** A call that changes something was sent, and no answer says that it was not carried out. */
  open: boolean;
  /** Why a call was not sent: the budget is used up, or could not be asked. */
  unsent: OpsError | undefined;
}

/** What every call needs. */
export interface FetchOptions {
  readonly token: string;
  readonly lane: EdgeLane;
  readonly pace: Pace;
  readonly trace: Trace;
}

/**
 * A fetch for the SDK that books every call, its retries too, and mends three habits of it: `CLOUDFLARE_CUSTOM_HEADERS` would be
 * added to every call (only the headers needed are sent), a body that never ends would hang, and a `Retry-After` would be slept
 * through, however long and deaf to the signal: the waiting belongs to the queue.
 */
export function pacedFetch({ token, lane, pace, trace }: FetchOptions): typeof fetch {
  return async (input, init = {}) => {
    const given = init.signal ?? undefined;
    const unsent = await pace.book({ lane, signal: given });
    if (unsent) {
      trace.unsent = unsent;
      // Thrown, it would be tried again by the SDK and come out wrapped.
      return new Response(null, { status: 429, headers: { "x-should-retry": "false" } });
    }
    const call = toCall(token, init);
    const response = await withinTimeout(given, (signal) => send(trace, call.method, () => callHttp(String(input), { ...call, signal })));
    const wait = retryAfterMs(response.headers.get("retry-after"));
    if (wait !== undefined && (response.status === 429 || response.status === 503)) await pace.close(wait);
    if (response.status === 429 || wait !== undefined) response.headers.set("x-should-retry", "false");
    return response;
  };
}

/**
 * Does one call, its body included, and ends it after its time. `AbortSignal.any` and `AbortSignal.timeout` would do the same, but cost
 * more than anything else here and leave a timer behind for each call.
 */
async function withinTimeout(given: AbortSignal | undefined, call: (signal: AbortSignal) => Promise<Response>): Promise<Response> {
  const limit = new AbortController();
  const stop = () => limit.abort(given?.reason);
  const timer = setTimeout(() => limit.abort(new DOMException("no answer in time", "TimeoutError")), CALL_TIMEOUT_MS);
  given?.addEventListener("abort", stop, { once: true });
  if (given?.aborted) stop();
  try {
    return await call(limit.signal);
  } finally {
    clearTimeout(timer);
    given?.removeEventListener("abort", stop);
  }
}

/** How long a `Retry-After` asks to wait, in milliseconds: it is a number of seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | null | undefined): number | undefined {
  if (!header) return undefined;
  const wait = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, Math.ceil(wait)) : undefined;
}

/** Of what the SDK asks for, what is sent. Its bodies are text. */
function toCall(token: string, { method = "GET", headers, body }: RequestInit): Omit<HttpCall, "signal"> {
  const given = headers instanceof Headers ? headers : new Headers(headers);
  const kept = ["content-type", "user-agent"].map((name) => [name, given.get(name)] as const).filter(([, value]) => value);
  const own = { authorization: `Bearer ${token}`, accept: "application/json" };
  return { method, headers: { ...own, ...Object.fromEntries(kept) }, body: typeof body === "string" ? body : undefined };
}

/** Sends a call, and keeps in mind whether it may have changed something. A refusal says that it did not; what was open before stays open. */
async function send(trace: Trace, method: string, call: () => Promise<Response>): Promise<Response> {
  const before = trace.open;
  if (method !== "GET") trace.open = true;
  try {
    const response = await call();
    if (response.status >= 400 && response.status < 500 && response.status !== 408) trace.open = before;
    return response;
  } catch (thrown) {
    if (wasNeverSent(thrown)) trace.open = before;
    throw thrown;
  }
}

function wasNeverSent(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && NEVER_SENT.includes(String(thrown.code));
}
