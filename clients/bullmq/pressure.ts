import type { Logger } from "../../core/ports.ts";
import { unavailable } from "../deadline.ts";
import type { Backlog } from "./store.ts";

/** What decides how fast events are taken. */
export interface PressureDeps {
  readonly log: Pick<Logger, "warn" | "info">;
  backlog(): Promise<Backlog>;
  readonly max_bytes: number;
}

/** How often the backlog is looked at while events come, in milliseconds. */
const LOOK_MS = 250;
/** A full queue is looked at again before anything is refused after so long, in milliseconds. */
const STALE_MS = 1_000;
/** Batches that may wait before those who send are held back. */
const FREE = 16;
/** How long a batch is held back for each batch that waits beyond them, and at most, in milliseconds. */
const HOLD_MS = 2;
const HOLD_MAX_MS = 60;
/** Redis is not filled further: at its limit it refuses also what takes jobs out. */
const FULL = 0.8;

/**
 * Holds events back where they come faster than they are written, so that the backlog stays short while the writer keeps up; and refuses them where as
 * much waits as may. It is looked at now and then, by whoever sends.
 */
export function createPressure({ backlog, max_bytes, log }: PressureDeps) {
  let seen: Pick<Backlog, "jobs" | "bytes" | "fullness"> = { jobs: 0, bytes: 0, fullness: 0 };
  let refusing = false;
  let seen_at = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  /** Resolves when what was seen is not older than that, in milliseconds; or when it cannot be seen. */
  const look = async (max_age_ms: number): Promise<void> => {
    if (performance.now() - seen_at < max_age_ms) return;
    const began_at = performance.now();
    // One at a time, however long it takes. Where the queue does not answer the events that are sent now are told so themselves.
    looking ??= backlog()
      .then(
        (found) => {
          seen = found;
          tell();
        },
        () => undefined,
      )
      .finally(() => {
        seen_at = began_at;
        looking = undefined;
      });
    await looking;
  };
  /** Why nothing more is taken; null where it is. */
  const full = () => {
    if (seen.bytes > max_bytes) return `${seen.bytes} bytes wait, and ${max_bytes} may (EVENT_QUEUE_MB)`;
    return seen.fullness > FULL ? `Redis is ${Math.round(seen.fullness * 100)} % full (maxmemory)` : null;
  };
  const tell = () => {
    const reason = full();
    if (reason !== null && !refusing) log.warn({ reason }, "events are refused: their queue is full");
    if (reason === null && refusing) log.info({}, "events are taken again");
    refusing = reason !== null;
  };
  return {
    look,
    full,
    /** Resolves when a batch may go. @throws OpsError `unavailable` when the queue is full */
    async pass(): Promise<void> {
      const looked = look(LOOK_MS);
      // It may have been long ago.
      if (full() !== null && performance.now() - seen_at > STALE_MS) await looked;
      const reason = full();
      if (reason !== null) throw unavailable(`queue events: ${reason}`);
      const hold_ms = Math.min(HOLD_MAX_MS, (seen.jobs - FREE) * HOLD_MS);
      if (hold_ms > 0) await new Promise((resolve) => setTimeout(resolve, hold_ms));
    },
  };
}
