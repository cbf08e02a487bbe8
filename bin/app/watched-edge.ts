import { type OpsError, toOpsError } from "../../core/errors.ts";
import type { Edge, Logger, PartState } from "../../core/ports.ts";

/** An edge, and how it was when it was last asked. */
export interface WatchedEdge {
  readonly edge: Edge;
  state(): Pick<PartState, "state" | "note">;
}

/**
 * Remembers how the last call went, for `ping` and `/readyz`; nothing is asked for their sake alone. A refusal is logged, once in
 * a row: a list of which some addresses are refused is a run that succeeded, and its asker is told that an admin finds the reason here.
 */
export function watchEdge(edge: Edge, log: Logger): WatchedEdge {
  let state: ReturnType<WatchedEdge["state"]> = { state: "ok" };
  let refusal = "";
  const logOnce = ({ code, message: reason }: OpsError) => {
    if (code !== "upstream_refused" || reason === refusal) return;
    refusal = reason;
    log.warn({ reason }, "Cloudflare refuses");
  };
  const watched = async <T>(signal: AbortSignal, work: Promise<T>): Promise<T> => {
    try {
      const done = await work;
      state = { state: "ok" };
      return done;
    } catch (thrown) {
      const error = toOpsError(thrown);
      // What was told to stop says nothing about the other side.
      if (!signal.aborted) state = after(error) ?? state;
      logOnce(error);
      throw error;
    }
  };
  return {
    edge: {
      find: (ip, signal) => watched(signal, edge.find(ip, signal)),
      block: (ip, notes, signal) => watched(signal, edge.block(ip, notes, signal)),
      release: (rule_id, signal) => watched(signal, edge.release(rule_id, signal)),
    },
    state: () => state,
  };
}

/** How the edge is after a call that failed; undefined where that says nothing of it. */
function after({ code, text }: OpsError): ReturnType<WatchedEdge["state"]> | undefined {
  if (code === "upstream_unavailable" || code === "outcome_unknown") return { state: "degraded", note: "Cloudflare did not answer" };
  const isTokenRefused = code === "upstream_refused" && "key" in text && text.key === "cf.token_refused";
  return isTokenRefused ? { state: "down", note: "CLOUDFLARE_API_TOKEN is refused" } : undefined;
}
