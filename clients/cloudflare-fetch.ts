import { setTimeout as sleep } from "node:timers/promises";
import type { Rate } from "../core/config.ts";
import { OpsError, toOpsError } from "../core/errors.ts";
import type { Budget } from "../core/ports.ts";

/** How long one HTTP call may take, its body included, in milliseconds. */
export const CALL_TIMEOUT_MS = 10_000;
/** So long a call waits for its place in the budget, in milliseconds; a longer wait is the queue's. */
export const PATIENCE_MS = 2_000;
/** What is refused is told to wait longer by up to this part, so that many do not come back at once. */
const JITTER = 0.2;
/**
 * What is booked in time may arrive late, and Cloudflare counts arrivals: two calls booked one window apart must not arrive closer.
 * So the window is held a little longer than it is, in milliseconds.
 */
const LATENESS_MS = 500;
/** Codes of Node and undici for a connection that was never made. */
const NEVER_SENT = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"];

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
  /** Books one call. @returns 0 when booked, else how many milliseconds to wait before asking again */
  readonly reserve: () => Promise<number>;
  readonly trace: Trace;
}

/** The budget that every call to a zone is counted against. */
export function cloudflareBudget(zone_id: string, { limit, window_ms }: Rate): Budget {
  return { key: `cloudflare:${zone_id}`, limit, window_ms: window_ms + LATENESS_MS };
}

/**
 * A fetch for the SDK that books every call, its retries too, and mends three habits of it: `CLOUDFLARE_CUSTOM_HEADERS` would be
 * added to every call (only the headers needed are sent), a body that never ends would hang, and a `Retry-After` would be slept
 * through, however long and deaf to the signal: the waiting belongs to the queue.
 */
export function pacedFetch({ token, reserve, trace }: FetchOptions): typeof fetch {
  return async (input, init) => {
    const headers = ownHeaders(token, new Headers(init?.headers));
    const unsent = await book(reserve, init?.signal ?? undefined);
    if (unsent) {
      trace.unsent = unsent;
      // Thrown, it would be tried again by the SDK and come out wrapped.
      return new Response(null, { status: 429, headers: { "x-should-retry": "false" } });
    }
    const limit = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const signal = init?.signal ? AbortSignal.any([init.signal, limit]) : limit;
    const response = await send(trace, init?.method, () => fetch(input, { ...init, headers, signal }));
    if (response.status !== 429 && !response.headers.has("retry-after")) return response;
    const final = new Headers(response.headers);
    final.set("x-should-retry", "false");
    return new Response(response.body, { status: response.status, headers: final });
  };
}

function ownHeaders(token: string, given: Headers): Headers {
  const headers = new Headers({ authorization: `Bearer ${token}`, accept: "application/json" });
  for (const name of ["content-type", "user-agent"]) {
    const value = given.get(name);
    if (value) headers.set(name, value);
  }
  return headers;
}

/** @returns why the call may not be sent now, or undefined when it is booked */
async function book(reserve: () => Promise<number>, signal: AbortSignal | undefined): Promise<OpsError | undefined> {
  try {
    for (let waited = 0; ; ) {
      signal?.throwIfAborted();
      const wait = await reserve();
      if (wait <= 0) return undefined;
      waited += wait;
      if (waited > PATIENCE_MS) return overBudget(wait);
      await sleep(wait, undefined, { signal });
    }
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    return toOpsError(thrown);
  }
}

function overBudget(wait: number): OpsError {
  const retry_after_ms = Math.ceil(wait * (1 + JITTER * Math.random()));
  return new OpsError("rate_limited", "Cloudflare: our own budget, CLOUDFLARE_BUDGET, is used up", { retry_after_ms });
}

/** Sends a call, and keeps in mind whether it may have changed something. A refusal says that it did not; what was open before stays open. */
async function send(trace: Trace, method: string | undefined, call: () => Promise<Response>): Promise<Response> {
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
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined;
  return cause instanceof Error && "code" in cause && NEVER_SENT.includes(String(cause.code));
}
