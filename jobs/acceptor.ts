import { brokenOffEnd } from "../core/cancelled.ts";
import type { Logger } from "../core/ports.ts";
import type { RunAcceptor } from "../core/run.ts";
import { jobId, type RunStore } from "../core/stores.ts";
import type { Enqueue } from "./enqueue.ts";
import { pause } from "./pause.ts";
import { persist } from "./persist.ts";

/** What the acceptor needs. */
export interface AcceptorDeps {
  readonly runs: RunStore;
  readonly enqueueRuns: Enqueue;
  readonly enqueueDeliveries: Enqueue;
  readonly log: Logger;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
}

/** An inline command is answered at the latest so long after it was carried out, though its end may not be stored yet. */
const END_MS = 2_000;

/** Stores what is to be done before it is queued. */
export function createRunAcceptor({ runs, enqueueRuns, enqueueDeliveries, log, stopping }: AcceptorDeps): RunAcceptor {
  return {
    async accept(run, delivery, open_max) {
      const { run: stored, fresh, jobs } = await runs.insert(run, { delivery, claim: false, open_max });
      if (!fresh) return stored;
      await Promise.all([enqueueRuns([{ id: run.run_id, job_id: jobId(run.run_id, 0), delay_ms: 0 }]), enqueueDeliveries(jobs)]);
      return stored;
    },
    async begin(run) {
      const { run: stored, claim } = await runs.insert(run, { delivery: null, claim: true });
      if (claim || stored.finished_at !== null) return { run: stored, claim };
      runs.letGo(run.run_id);
      const claimed = await runs.claim(run.run_id, true);
      if (claimed?.cancelled_by == null) return { run: stored, claim: claimed };
      // Somebody wanted it stopped while its process died: it is not carried out any more.
      const end = brokenOffEnd(claimed, claimed.cancelled_by, "write");
      await runs.finish(claimed, end);
      return { run: { ...stored, status: end.status, error: end.error }, claim: null };
    },
    async end(claim, end) {
      const stored = persist({ log, stopping }, () => runs.finish(claim, end)).catch((thrown: unknown) =>
        log.error({ err: thrown, run_id: claim.run_id }, "the end of a run could not be stored"),
      );
      // What was done is done: its asker does not wait for a database that is away.
      await Promise.race([stored, pause(END_MS, stopping)]);
    },
    letGo: runs.letGo,
  };
}
