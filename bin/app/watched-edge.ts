import type { Edge, EdgeRule } from "../../core/edge.ts";
import { type OpsError, toOpsError } from "../../core/errors.ts";
import type { Logger, PartState } from "../../core/ports.ts";

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
  const list: Edge["list"] = async function* (scope, call) {
    const pages = edge.list(scope, call)[Symbol.asyncIterator]();
    for (;;) {
      const { done, value }: IteratorResult<readonly EdgeRule[]> = await watched(call.signal, pages.next());
      if (done) return;
      yield value;
    }
  };
  return {
    edge: {
      scopes: edge.scopes,
      lookUp: (networks, call) => watched(call.signal, edge.lookUp(networks, call)),
      block: (rule, call) => watched(call.signal, edge.block(rule, call)),
      get: (rule, call) => watched(call.signal, edge.get(rule, call)),
      release: (rule, call) => watched(call.signal, edge.release(rule, call)),
      list,
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
