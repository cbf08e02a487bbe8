import type { RunAcceptor } from "../core/run.ts";
import { jobId, type RunStore } from "../core/stores.ts";
import type { Enqueue } from "./enqueue.ts";

/** What the acceptor needs. */
export interface AcceptorDeps {
  readonly runs: RunStore;
  readonly enqueueRuns: Enqueue;
  readonly enqueueDeliveries: Enqueue;
}

/** Stores what is to be done before it is queued. */
export function createRunAcceptor({ runs, enqueueRuns, enqueueDeliveries }: AcceptorDeps): RunAcceptor {
  return {
    async accept(run, delivery) {
      const { run: stored, fresh, jobs } = await runs.insert(run, { delivery, claim: false });
      if (!fresh) return stored;
      await Promise.all([enqueueRuns([{ id: run.run_id, job_id: jobId(run.run_id, 0), delay_ms: 0 }]), enqueueDeliveries(jobs)]);
      return stored;
    },
    begin: (run) => runs.insert(run, { delivery: null, claim: true }),
    async end(run_id, end) {
      await runs.finish(run_id, end);
    },
    countOpen: runs.countOpen,
  };
}
