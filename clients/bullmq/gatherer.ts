import { createWaitingLine } from "./waiting-line.ts";

/** How what comes in is gathered. */
export interface GathererOptions<Item> {
  /** Items that go together at most. */
  readonly max: number;
  /** A batch that is neither full nor whole begins this long after the one before at the earliest, in milliseconds; after some whole ones later. */
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

/** Nobody waits for others for longer than so many times `linger_ms`. */
const PATIENCE = 2;
/** So many items are worth a batch of their own. */
const WORTH_IT = 16;
/**
 * Callers who came back together, all of them and nobody else, so many times in a row are waited for longer: a pause of the process or the machine must not
 * part them, for parts stay parts and each of them costs as much as the whole.
 */
const IN_STEP = 4;
const IN_STEP_PATIENCE = 3;

/**
 * Gathers the items of many callers into batches, as `createBatches` does, for tens of thousands a second: a caller costs a promise and no timer.
 * One that comes alone goes at once; the next batch when nobody came for a turn of the event loop, and not too soon after the one before, or when as
 * many are there as went with that; where that was so several times a little later. What a caller gives stays together unless it is more than `max`.
 * Nobody waits for longer than 2 s: whoever does is told `unavailable`, as are all when as many wait as may.
 */
export function createGatherer<Item>({ max, linger_ms, side_by_side, bound, part, send }: GathererOptions<Item>) {
  const line = createWaitingLine<Item>({ bound, part });
  const pace = createPace(linger_ms);
  let under_way = 0;
  let looking: Looking | undefined;
  let seen = 0;

  /** A look that is planned by time is planned anew when a batch begins: it may be due earlier. */
  const stopLooking = () => {
    clearTimeout(looking?.timer);
    looking = undefined;
  };
  // Those who send one after the other are all back: waiting any longer would be for nobody.
  const isWhole = () => under_way === 0 && pace.isWhole(line.weight());
  const begin = () => {
    if (looking?.timer) stopLooking();
    const calls = line.take(max);
    const items = calls.length === 1 ? (calls[0]?.items ?? []) : calls.flatMap((call) => call.items);
    pace.began({ items: items.length, callers: calls.length, isAlone: under_way === 0 });
    under_way += 1;
    line
      .send(calls, () => send(items))
      .then(() => {
        under_way -= 1;
        next();
      });
  };
  const isDue = () => {
    if (line.weight() >= max || linger_ms === 0) return true;
    const now = performance.now();
    const isQuiet = line.came() === seen;
    return (isQuiet && (now >= pace.nextAt() || isWhole())) || now - line.since() >= PATIENCE * linger_ms;
  };
  const look = () => {
    looking = undefined;
    while (line.weight() > 0 && under_way < side_by_side && isDue()) begin();
    next();
  };
  /** Looks in the next turn of the event loop, or when there may be a batch by time; a look that is planned for later is brought forward. */
  const plan = (isNow: boolean) => {
    if (looking && (looking.timer === undefined || !isNow)) return;
    stopLooking();
    seen = line.came();
    const early_ms = isNow ? 0 : Math.min(pace.nextAt(), line.since() + PATIENCE * linger_ms) - performance.now();
    looking = { timer: early_ms > 0 ? setTimeout(look, early_ms) : undefined };
    if (early_ms <= 0) setImmediate(look);
  };
  const next = () => {
    // Full ones wait for nobody.
    while (line.weight() >= max && under_way < side_by_side) begin();
    if (line.weight() > 0 && under_way < side_by_side) plan(isWhole());
  };
  return {
    add(items: readonly Item[]): Promise<void> {
      const done = line.join(items);
      next();
      return done;
    },
  };
}

/** Knows from the batches before how long the next one waits for those who are not there yet. */
function createPace(linger_ms: number) {
  let begun_at = Number.NEGATIVE_INFINITY;
  let size = 0;
  /** Batches of the same callers, one after the other. */
  let in_step = 0;
  return {
    /** @param isAlone no other batch is under way */
    began({ items, callers, isAlone }: { readonly items: number; readonly callers: number; readonly isAlone: boolean }): void {
      in_step = isAlone && items === size && callers >= WORTH_IT ? in_step + 1 : 0;
      size = items;
      begun_at = performance.now();
    },
    /** Whether as many are there as went with the batch before. */
    isWhole: (weight: number) => size >= WORTH_IT && weight >= size,
    /** When the next one goes with whoever is there, on the clock of `performance.now()`. */
    nextAt: () => begun_at + (in_step >= IN_STEP ? IN_STEP_PATIENCE : 1) * linger_ms,
  };
}

/** It is to be looked whether a batch is due: when the timer rings; without one in the next turn of the event loop. */
interface Looking {
  readonly timer: NodeJS.Timeout | undefined;
}
