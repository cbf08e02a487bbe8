/** Sleeps until a time or until it is woken, and wakes others at their time. */
export interface Sleeper {
  /** Resolves after `ms` milliseconds, when it is woken, or when the process stops. One that was woken while awake does not sleep. */
  sleep(ms: number): Promise<void>;
  wake(): void;
  /** Does this after `ms` milliseconds (at once for 0) and wakes; never when the process stops. */
  later(ms: number, work: () => void): void;
}

/** The longest a timer of Node can wait, in milliseconds. */
const LONGEST_MS = 2_147_483_647;

/** Makes a sleeper of a process. @param stopping aborted when it stops */
export function createSleeper(stopping: AbortSignal): Sleeper {
  const timers = new Set<NodeJS.Timeout>();
  let woken = false;
  let wakeUp = () => {};
  const wake = () => {
    woken = true;
    wakeUp();
  };
  stopping.addEventListener("abort", () => {
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    wake();
  });
  const later = (ms: number, work: () => void) => {
    if (stopping.aborted) return;
    if (ms <= 0) {
      work();
      wake();
      return;
    }
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        work();
        wake();
      },
      Math.min(ms, LONGEST_MS),
    );
    timers.add(timer);
  };
  return {
    later,
    wake,
    async sleep(ms) {
      if (!woken && !stopping.aborted && ms > 0) {
        await new Promise<void>((resolve) => {
          const timer = Number.isFinite(ms) ? setTimeout(resolve, Math.min(ms, LONGEST_MS)) : undefined;
          wakeUp = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wakeUp = () => {};
      woken = false;
    },
  };
}
