import { ANSWER_WITHIN_MS, unavailable } from "../deadline.ts";
import { createWaitingLine, type Failure, left } from "./waiting-line.ts";

/** How what comes in is gathered. */
export interface GathererOptions<Item> {
  /** Items that go together at most. */
  readonly max: number;
  /** A batch begins this long after the one before at the earliest, in milliseconds, unless it is full. */
  readonly linger_ms: number;
  /** Batches that may be under way at once. */
  readonly side_by_side: number;
  /** Items that may wait or be under way; more are refused. */
  readonly bound: number;
  /** Named in errors. */
  readonly part: string;
  /** Sends a batch. @throws whatever its callers are to be told */
  send(items: readonly Item[]): Promise<void>;
}

/** While there are always newcomers a batch waits for so many times `linger_ms`. */
const PATIENCE = 2;

/**
 * Gathers the items of many callers into batches, as `createBatches` does, for tens of thousands a second: a caller costs a promise and no timer.
 * One that comes alone goes at once; the next batch when nobody came for a turn of the event loop, and not too soon after the one before. What a
 * caller gives stays together unless it is more than `max`. Nobody waits for longer than 2 s: whoever does is told `unavailable`, as are all
 * when as many wait as may.
 */
export function createGatherer<Item>({ max, linger_ms, side_by_side, bound, part, send }: GathererOptions<Item>) {
  const line = createWaitingLine<Item>({ bound, part });
  let under_way = 0;
  let begun_at = Number.NEGATIVE_INFINITY;
  let looking = false;
  let seen = 0;

  const begin = () => {
    begun_at = performance.now();
    under_way += 1;
    const calls = line.take(max);
    const items = calls.length === 1 ? (calls[0]?.items ?? []) : calls.flatMap((call) => call.items);
    sendInTime(
      () => send(items),
      { part, within_ms: left(calls[0]) },
      (failure) => {
        under_way -= 1;
        line.settle(calls, failure);
        next();
      },
    );
  };
  const isDue = () => {
    if (line.weight() >= max || linger_ms === 0) return true;
    const now = performance.now();
    const isQuiet = line.came() === seen;
    return (isQuiet && now - begun_at >= linger_ms) || now - line.since() >= PATIENCE * linger_ms;
  };
  const look = () => {
    looking = false;
    while (line.weight() > 0 && under_way < side_by_side && isDue()) begin();
    next();
  };
  const next = () => {
    // Full ones wait for nobody.
    while (line.weight() >= max && under_way < side_by_side) begin();
    if (looking || line.weight() === 0 || under_way >= side_by_side) return;
    looking = true;
    seen = line.came();
    const early_ms = begun_at + linger_ms - performance.now();
    if (early_ms > 0) setTimeout(look, early_ms);
    else setImmediate(look);
  };
  return {
    add(items: readonly Item[]): Promise<void> {
      const done = line.join(items);
      next();
      return done;
    },
  };
}

/** Calls back once: when it was sent, when it could not be, or when that takes too long. */
function sendInTime(
  send: () => Promise<void>,
  { part, within_ms }: { readonly part: string; readonly within_ms: number },
  done: (failure?: Failure) => void,
): void {
  let open = true;
  const finish = (failure?: Failure) => {
    if (!open) return;
    open = false;
    clearTimeout(late);
    done(failure);
  };
  const late = setTimeout(() => finish({ thrown: unavailable(`${part}: no answer within ${ANSWER_WITHIN_MS} ms`) }), within_ms);
  send().then(
    () => finish(),
    (thrown: unknown) => finish({ thrown }),
  );
}
