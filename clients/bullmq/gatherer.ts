import { ANSWER_WITHIN_MS, unavailable } from "../deadline.ts";

/** How what comes in is gathered. */
export interface GathererOptions<Item> {
  /** Items that go together at most. */
  readonly max: number;
  /** How long the first one waits for others, in milliseconds. */
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

/** What one caller gave, until it is sent. */
interface Call<Item> {
  readonly items: readonly Item[];
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (thrown: unknown) => void;
}

/**
 * Gathers the items of many callers into batches, as `createBatches` does, for tens of thousands a second: a caller costs a promise and no timer.
 * What a caller gives stays together unless it is more than `max`. Nobody waits for longer than 2 s: whoever does is told `unavailable`, as are
 * all when as many wait as may.
 */
export function createGatherer<Item>({ max, linger_ms, side_by_side, bound, part, send }: GathererOptions<Item>) {
  let waiting: Call<Item>[] = [];
  let weight = 0;
  let held = 0;
  let under_way = 0;
  let linger: NodeJS.Timeout | undefined;
  let watched = false;

  const settle = (batch: readonly Call<Item>[], size: number, failure?: { readonly thrown: unknown }) => {
    held -= size;
    for (const { resolve, reject } of batch) failure ? reject(failure.thrown) : resolve();
  };

  const begin = () => {
    clearTimeout(linger);
    linger = undefined;
    const batch = takeBatch();
    const items = batch.length === 1 ? (batch[0]?.items ?? []) : batch.flatMap((call) => call.items);
    under_way += 1;
    let open = true;
    const late = setTimeout(() => finish({ thrown: unavailable(`${part}: no answer within ${ANSWER_WITHIN_MS} ms`) }), left(batch[0]));
    const finish = (failure?: { readonly thrown: unknown }) => {
      if (!open) return;
      open = false;
      clearTimeout(late);
      under_way -= 1;
      settle(batch, items.length, failure);
      next();
    };
    send(items).then(
      () => finish(),
      (thrown: unknown) => finish({ thrown }),
    );
  };

  const takeBatch = () => {
    let size = 0;
    const end = waiting.findIndex(({ items }, at) => {
      size += items.length;
      return at > 0 && size > max;
    });
    const batch = end < 0 ? waiting : waiting.slice(0, end);
    waiting = end < 0 ? [] : waiting.slice(end);
    for (const { items } of batch) weight -= items.length;
    return batch;
  };

  const next = () => {
    while (waiting.length > 0 && under_way < side_by_side && (weight >= max || linger_ms === 0)) begin();
    if (waiting.length === 0) return;
    if (under_way < side_by_side) linger ??= setTimeout(begin, linger_ms);
    watch();
  };

  const watch = () => {
    if (!watched) setTimeout(giveUp, left(waiting[0]));
    watched = true;
  };

  /** Those that have waited for too long: what is before them does not come to an end. */
  const giveUp = () => {
    watched = false;
    const late = waiting.filter((call) => left(call) <= 0);
    waiting = waiting.slice(late.length);
    for (const call of late) {
      weight -= call.items.length;
      settle([call], call.items.length, { thrown: unavailable(`${part}: it is behind by ${ANSWER_WITHIN_MS} ms`) });
    }
    if (waiting.length > 0) watch();
  };

  return {
    add(items: readonly Item[]): Promise<void> {
      if (held + items.length > bound) return Promise.reject(unavailable(`${part}: ${held} wait already`));
      return new Promise((resolve, reject) => {
        held += items.length;
        weight += items.length;
        waiting.push({ items, since: performance.now(), resolve, reject });
        next();
      });
    },
  };
}

/** How long a call may go on waiting, in milliseconds. */
function left<Item>(call: Call<Item> | undefined): number {
  return call ? Math.max(0, call.since + ANSWER_WITHIN_MS - performance.now()) : 0;
}
