import type { BaseAccessRules } from "cloudflare/resources/firewall/access-rules";
import type { EdgeCall } from "../../core/edge.ts";
import { OpsError } from "../../core/errors.ts";
import type { Trace } from "./fetch.ts";
import type { Pace } from "./pace.ts";
import { failureOf, openRules, toEdgeError } from "./sdk.ts";

/** One operation: the rules, what ends it, and what is known of its calls. */
export interface Access {
  readonly rules: BaseAccessRules;
  readonly signal: AbortSignal;
  readonly trace: Trace;
  /** What the SDK threw as an `OpsError`. */
  toError(thrown: unknown): OpsError;
}

/** Where Cloudflare is, and how it may be asked. */
export interface Reachable {
  readonly token: string;
  readonly base_url: string;
  readonly pace: Pace;
}

/**
 * Opens the rules for one operation.
 * @returns the access, and what ends it: the SDK leaves its listeners on a signal for good, so each operation gets one of its own
 */
export async function openAccess(
  { token, base_url, pace }: Reachable,
  what: string,
  { lane, signal }: EdgeCall,
): Promise<Access & { close(): void }> {
  const trace: Trace = { open: false, unsent: undefined };
  const toError = (thrown: unknown) => (trace.unsent && failureOf(thrown) === "limited" ? trace.unsent : toEdgeError(thrown, what, token));
  const own = new AbortController();
  const stop = () => own.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  const close = () => signal.removeEventListener("abort", stop);
  const rules = await openRules({ token, base_url, lane, pace, trace });
  return { rules, signal: own.signal, trace, toError, close };
}

/** Carries one operation out; whatever it throws is an `OpsError` that never shows the token. */
export async function reach<T>(reachable: Reachable, what: string, call: EdgeCall, work: (access: Access) => Promise<T>): Promise<T> {
  const access = await openAccess(reachable, what, call);
  try {
    return await work(access);
  } catch (thrown) {
    throw access.toError(thrown);
  } finally {
    access.close();
  }
}

/** What to throw when Cloudflare could not be asked what came of a change. Where no change is open, that is the failure itself. */
export function nobodyKnows({ trace, toError }: Access, lost: unknown, unasked: unknown): OpsError {
  const failure = toError(unasked);
  if (!trace.open || unasked instanceof OpsError) return failure;
  const { message, retry_after_ms } = failure;
  return new OpsError("outcome_unknown", `${toError(lost).message}; then: ${message}`, { ...(retry_after_ms && { retry_after_ms }) });
}
