import type { EventQueue, Events } from "../../core/events/ports.ts";
import { pause } from "../pause.ts";

/** How long a search waits at most for what was acknowledged before it, in milliseconds; a writer that keeps up needs a tenth of that. */
const PATIENCE_MS = 300;
const LOOK_EVERY_MS = 5;
/** What was queued longer ago is written, or its writer is so far behind that there is no use in waiting. */
const LATELY_MS = 2_000;

/**
 * A search that finds what this process acknowledged before it was asked. Where the writer is behind, or the queue does not answer, it finds what is in the table
 * (docs/decisions/0091).
 */
export function searchCaughtUp({ search }: Pick<Events, "search">, queue: Pick<EventQueue, "backlog" | "lastQueuedAt">): Events["search"] {
  return async (filter) => {
    if (Date.now() - queue.lastQueuedAt() > LATELY_MS) return search(filter);
    const late = new AbortController();
    await Promise.race([caughtUp(queue, late.signal), pause(PATIENCE_MS, late.signal)]);
    late.abort();
    return search(filter);
  };
}

/** Resolves when nothing waits that had been queued before, or nobody can say. */
async function caughtUp(queue: Pick<EventQueue, "backlog">, signal: AbortSignal): Promise<void> {
  const asked_at = Date.now();
  while (!signal.aborted) {
    const backlog = await queue.backlog().catch(() => null);
    if (!backlog || backlog.batches === 0 || backlog.oldest_ms < Date.now() - asked_at) return;
    await pause(LOOK_EVERY_MS, signal);
  }
}
