import { brokenOffEnd } from "../core/cancelled.ts";
import type { Logger } from "../core/ports.ts";
import type { NewRun, RunAcceptor, RunView } from "../core/run.ts";
import { type ClaimedRun, jobId, type RunClaim, type RunStore } from "../core/stores.ts";
import type { Enqueue } from "./enqueue.ts";
import { pause } from "./pause.ts";
import { persist } from "./persist.ts";
import type { Seat, Seats } from "./run-seats.ts";

/** What the acceptor needs. */
export interface AcceptorDeps {
  readonly runs: RunStore;
  readonly enqueueRuns: Enqueue;
  readonly enqueueDeliveries: Enqueue;
  readonly log: Logger;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Where runs are worked on in this very process, if they are. */
  readonly seats?: () => Pick<Seats, "take"> | undefined;
}

/** An inline command is answered at the latest so long after it was carried out, though its end may not be stored yet. */
const END_MS = 2_000;

/**
 * Stores what is to be done before it is queued. Where this process has room for it, it begins at once.
 */
export function createRunAcceptor({ runs, enqueueRuns, enqueueDeliveries, log, stopping, seats }: AcceptorDeps): RunAcceptor {
  return {
    async accept(run, delivery, open_max) {
      const seat = seats?.()?.take(run.identity) ?? null;
      const given = runs.insert(run, { delivery, claim: seat !== null, open_max });
      const {
        run: stored,
        fresh,
        claim,
        jobs,
      } = await given.catch((thrown: unknown) => {
        standUp(runs, run, seat);
        throw thrown;
      });
      if (claim) seat?.begin(toClaimed(run, stored, claim));
      else standUp(runs, run, seat);
      const job = { id: run.run_id, job_id: jobId(run.run_id, 0), delay_ms: 0 };
      if (fresh) await Promise.all([claim ? undefined : enqueueRuns([job]), enqueueDeliveries(jobs)]);
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

/** Nothing of it is worked on here after all; a claim may be stored without our knowing. */
function standUp(runs: Pick<RunStore, "letGo">, { run_id }: NewRun, seat: Seat | null): void {
  if (seat === null) return;
  runs.letGo(run_id);
  seat.leave();
}

function toClaimed({ request_id, locale, zone }: NewRun, stored: RunView, { claimed_by, generation }: RunClaim): ClaimedRun {
  return { ...stored, request_id, locale, zone, takeovers: 0, claimed_by, generation, cancelled_by: null };
}
