import type { Lease, Leases, Logger } from "../core/ports.ts";
import { pause } from "./pause.ts";

/** What deleting needs. */
export interface RetentionDeps {
  /** Deletes what is older than it is kept for; ends early when the signal is aborted. */
  readonly purge: (signal: AbortSignal) => Promise<number>;
  readonly leases: Leases;
  readonly log: Logger;
}

/** Retention at work. */
export interface Retention {
  stop(): Promise<void>;
}

const EVERY_MS = 3_600_000;
const AGAIN_MS = 10_000;
/** How soon another process goes on when the one that did it is gone. */
const LEASE_PAUSE_MS = 10_000;
const LEASE = "retention";

/**
 * Deletes what is older than it is kept for, once an hour. It may take minutes, so nothing else waits for it; and one process does it at a time, by
 * a lease.
 */
export function startRetention(deps: RetentionDeps): Retention {
  const stopping = new AbortController();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      const lease = await deps.leases.lease(LEASE).catch(() => null);
      if (lease) await keepDeleting(deps, lease, stopping.signal);
      await pause(LEASE_PAUSE_MS, stopping.signal);
    }
  };
  const done = loop();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function keepDeleting({ purge, log }: RetentionDeps, lease: Lease, signal: AbortSignal): Promise<void> {
  let failing = false;
  while (lease.held() && !signal.aborted) {
    try {
      const deleted = await purge(signal);
      if (deleted > 0) log.info({ deleted }, "deleted what is older than it is kept for");
      failing = false;
    } catch (thrown) {
      if (!failing) log.warn({ err: thrown }, "what is too old cannot be deleted; trying on");
      failing = true;
    }
    await pause(failing ? AGAIN_MS : EVERY_MS, signal);
  }
  await lease.release();
}
