import { OpsError } from "../core/errors.ts";
import type { Logger } from "../core/ports.ts";
import { backoff } from "./backoff.ts";
import { pause } from "./pause.ts";

/** What persisting needs. */
export interface PersistDeps {
  readonly log: Logger;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
}

/**
 * Stores what became of claimed work, again and again while the database is away: what is given up here is done a second time, when the
 * sweeper opens the row again. When the process stops its claims end with it.
 * @throws what the work threw, when it is not `unavailable` or the process stops
 */
export async function persist<T>({ log, stopping }: PersistDeps, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof OpsError) || thrown.code !== "unavailable" || stopping.aborted) throw thrown;
      if (attempt === 1) log.warn({ err: thrown }, "what was done cannot be stored yet; trying on");
      await pause(backoff(attempt), stopping);
    }
  }
}
