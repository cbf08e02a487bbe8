import type { Edge, EdgeScope } from "../../core/edge.ts";
import { OpsError } from "../../core/errors.ts";
import type { Block, Reconciler, RuleMirror } from "../../core/ledger.ts";
import type { Clock, Leases, Logger } from "../../core/ports.ts";
import { createSharedCall } from "../../core/shared-call.ts";
import { pause } from "../pause.ts";

/** What the reconciler needs. */
export interface ReconcilerDeps {
  readonly edge: Edge;
  readonly mirror: RuleMirror;
  readonly leases: Leases;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Missing rules that are looked for one by one before they are told of; a reading that missed a page must not cry wolf. */
const LOOKED_FOR = 20;
/** How often it is looked whether another process's reading is done. */
const LOOK_MS = 200;
const LEASE = "edge rules";

/**
 * Reads all rules of all scopes into the mirror and compares them with the ledger. Drift is told, never mended: a rule that somebody removed in
 * the provider's own console may have been removed for a reason.
 */
export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const readings = createSharedCall<void>("the reading of the rules", "upstream_unavailable");
  const now = () => deps.clock.now().getTime();
  return {
    async refresh(max_age_ms, signal) {
      // A reading takes its time; one that began since it was asked for is as fresh as can be.
      const oldest = now() - max_age_ms;
      for (;;) {
        const comparison = await deps.mirror.compare(deps.edge.scopes);
        if (comparison.as_of !== null && Date.parse(comparison.as_of) >= oldest) return comparison;
        if (signal.aborted) throw new OpsError("timeout", "the rules could not be read in time");
        // Those who ask at once share one reading, which goes on as long as one of them waits: in this process by the call, in others by the lease.
        await readings("all", signal, (own) => readAll(deps, own, comparison.as_of));
      }
    },
  };
}

/** @param as_of of the reading that is too old: where there is another by the time that it is our turn, somebody has just read */
async function readAll(deps: ReconcilerDeps, signal: AbortSignal, as_of: string | null): Promise<void> {
  const lease = await deps.leases.lease(LEASE);
  if (!lease) return pause(LOOK_MS, signal);
  try {
    if ((await deps.mirror.compare(deps.edge.scopes)).as_of !== as_of) return;
    for (const scope of deps.edge.scopes) await readScope(deps, scope, signal);
  } finally {
    await lease.release();
  }
}

async function readScope({ edge, mirror, clock, log }: ReconcilerDeps, scope: EdgeScope, signal: AbortSignal): Promise<void> {
  const began = clock.now().toISOString();
  const call = { lane: "background", signal } as const;
  const seen: string[] = [];
  for await (const rules of edge.list(scope, call)) {
    for (const { rule_id } of rules) seen.push(rule_id);
    await mirror.keep(scope, rules);
  }
  const marked = await mirror.finish(scope, { began, seen });
  const gone: Block[] = [];
  for (const [at, block] of marked.entries()) {
    const rule =
      at < LOOKED_FOR && block.drift === "missing" && block.rule_id ? await edge.get({ scope, rule_id: block.rule_id }, call) : null;
    if (rule) await mirror.clearDrift(block);
    else gone.push(block);
  }
  if (gone.length > 0) log.warn({ scope, networks: gone.slice(0, LOOKED_FOR).map(({ network }) => network), count: gone.length }, DRIFT);
}

const DRIFT = "blocks of the ledger are gone or changed at Cloudflare: somebody changed them there; the list of drift shows them";
