import { setTimeout as sleep } from "node:timers/promises";
import type { EdgeLane } from "../../core/edge.ts";
import { OpsError, toOpsError } from "../../core/errors.ts";

/** So long a call waits for its place in the budget, in milliseconds; a longer wait is the queue's. */
export const PATIENCE_MS = 2_000;
/** How long others stand back while somebody who waits has no place yet, in milliseconds. */
const STAND_BACK_MS = 100;
/** What is refused is told to wait longer by up to this part, so that many do not come back at once. */
const JITTER = 0.2;
/** However long Cloudflare says, it is asked again after this: three times the longest lock that it documents, in milliseconds. */
const LONGEST_LOCK_MS = 900_000;

/** Who wants to make a call, and what ends the wait. */
export interface Place {
  readonly lane: EdgeLane;
  readonly signal: AbortSignal | undefined;
}

/** When calls may be made: within our own budget, and not while Cloudflare has told us to stay away. */
export interface Pace {
  /**
   * Books one call, after a short wait where that is enough.
   * @returns why the call may not be made now (`rate_limited`, or the store's own error), or undefined when it is booked
   * @throws what the signal was aborted with
   */
  book(place: Place): Promise<OpsError | undefined>;
  /** Lets no call of the token through for so long, in milliseconds: Cloudflare said so. Never rejects; for this process it holds at once. */
  close(for_ms: number): Promise<void>;
}

/** The budget of a token, over all processes. */
export interface PaceBudget {
  /** Books one call. @returns 0 when booked, else how many milliseconds to wait before asking again */
  reserve(lane: EdgeLane): Promise<number>;
  /** Nobody books for so long, in milliseconds. */
  shut(for_ms: number): Promise<void>;
}

/** What a pace is made of. */
export interface PaceDeps extends PaceBudget {
  /** A clock that does not run backwards, in milliseconds. */
  ticks(): number;
}

/** Makes the pace of one token in this process. */
export function createPace({ reserve, shut, ticks }: PaceDeps): Pace {
  let closedUntil = Number.NEGATIVE_INFINITY;
  const waitingPeople = new Set<Place>();

  /** 0 when the call is booked, else how long to wait; or why it may not be made. */
  const step = async ({ lane, signal }: Place): Promise<number | OpsError> => {
    signal?.throwIfAborted();
    const closed = closedUntil - ticks();
    if (closed > 0) return refusal("we were told to wait", closed);
    return lane !== "interactive" && waitingPeople.size > 0 ? STAND_BACK_MS : reserve(lane);
  };

  const rest = (place: Place, wait: number): Promise<void> => {
    if (place.lane === "interactive") waitingPeople.add(place);
    return sleep(wait, undefined, { signal: place.signal });
  };

  const ask = async (place: Place): Promise<OpsError | undefined> => {
    let waited = 0;
    let answer = await step(place);
    while (typeof answer === "number" && answer > 0) {
      waited += answer;
      if (waited > PATIENCE_MS)
        return refusal("our own budget, CLOUDFLARE_BUDGET, is used up, or another process was told to wait", answer);
      await rest(place, answer);
      answer = await step(place);
    }
    return answer instanceof OpsError ? answer : undefined;
  };

  return {
    async book(place) {
      try {
        return await ask(place);
      } catch (thrown) {
        if (place.signal?.aborted) throw thrown;
        return toOpsError(thrown);
      } finally {
        waitingPeople.delete(place);
      }
    },
    async close(for_ms) {
      const lock_ms = Math.min(for_ms, LONGEST_LOCK_MS);
      closedUntil = Math.max(closedUntil, ticks() + lock_ms);
      // Where the store is away no process can book, so none is told too late; one that still can is told by Cloudflare itself.
      if (lock_ms > 0) await shut(lock_ms).catch(() => undefined);
    },
  };
}

function refusal(why: string, wait: number): OpsError {
  const retry_after_ms = Math.ceil(wait * (1 + JITTER * Math.random()));
  return new OpsError("rate_limited", `Cloudflare: ${why}`, { retry_after_ms });
}
