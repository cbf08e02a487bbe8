import { OpsError } from "./errors.ts";

interface Flight<T> {
  readonly outcome: Promise<T>;
  readonly stop: AbortController;
  callers: number;
}

/**
 * Lets callers who want the same at the same moment share one piece of work. It ends early when nobody waits for it any more.
 * @param key what is wanted
 * @param start does it; only the first caller's is called
 * @returns what came of it, and whether this caller began it
 */
export type SharedCall<T> = (
  key: string,
  signal: AbortSignal,
  start: (signal: AbortSignal) => Promise<T>,
) => Promise<{ readonly value: T; readonly first: boolean }>;

/**
 * Makes a place where work is shared; it keeps nothing once the work is done.
 * @param what names the work in errors
 * @param left what a caller is told who was stopped while others wait on: `outcome_unknown` where the work changes something
 */
export function createSharedCall<T>(what: string, left: "upstream_unavailable" | "outcome_unknown"): SharedCall<T> {
  const flights = new Map<string, Flight<T>>();

  const begin = (key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> => {
    const stop = new AbortController();
    const outcome = start(stop.signal).finally(() => flights.get(key) === flight && flights.delete(key));
    const flight: Flight<T> = { outcome, stop, callers: 0 };
    flights.set(key, flight);
    return flight;
  };

  return async (key, signal, start) => {
    if (signal.aborted) throw stopped(what, "upstream_unavailable");
    const standing = flights.get(key);
    const flight = standing ?? begin(key, start);
    flight.callers++;
    try {
      if (!(await endsBefore(flight.outcome, signal))) {
        if (flight.callers > 1) throw stopped(what, left);
        if (flights.get(key) === flight) flights.delete(key);
        flight.stop.abort(signal.reason);
      }
      return { value: await flight.outcome, first: !standing };
    } finally {
      flight.callers--;
    }
  };
}

/** Whether the work ends, well or not, before the caller is told to stop. */
async function endsBefore(work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  let stop = () => {};
  const told = new Promise<boolean>((resolve) => {
    stop = () => resolve(false);
  });
  signal.addEventListener("abort", stop, { once: true });
  try {
    const ended = () => true;
    return await Promise.race([work.then(ended, ended), told]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function stopped(what: string, code: "upstream_unavailable" | "outcome_unknown"): OpsError {
  return new OpsError(code, `${what}: the caller was told to stop`);
}
