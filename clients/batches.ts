import { OpsError } from "../core/errors.ts";

/** How calls are gathered. */
export interface BatchOptions<In> {
  /** Calls that go together at most, each counted by its weight. */
  readonly max?: number;
  /** What a call counts for; by default 1. One that is heavier than `max` goes alone. */
  readonly weigh?: (item: In) => number;
  /** Batches that may be under way; what comes meanwhile goes into the next. */
  readonly side_by_side?: number;
  /** How long the first call waits for others, in milliseconds; by default for those of the same turn of the event loop only. */
  readonly linger_ms?: number;
}

interface Waiting<In, Out> {
  readonly item: In;
  readonly resolve: (out: Out) => void;
  readonly reject: (thrown: unknown) => void;
}

const MAX = 256;

/**
 * Makes one call of many that are made at the same time: a round trip and a commit cost more than what most of them do. One that comes alone goes
 * alone, at once.
 * @param work on one batch; gives a result for each of its items, in their order
 * @returns the call for one item. It throws what the work on its batch threw; but where that may be the fault of one item (any error except
 *   `unavailable`), each of them is tried alone
 */
export function createBatches<In, Out>(
  work: Work<In, Out>,
  { max = MAX, side_by_side = 1, linger_ms = 0, weigh = () => 1 }: BatchOptions<In> = {},
): (item: In) => Promise<Out> {
  const waiting: Waiting<In, Out>[] = [];
  let underWay = 0;
  let begins = false;
  const begin = () => {
    begins = false;
    underWay += 1;
    void settle(work, take(waiting, max, weigh), waiting).then(() => {
      underWay -= 1;
      next();
    });
    next();
  };
  const next = () => {
    if (begins || waiting.length === 0 || underWay >= side_by_side) return;
    begins = true;
    if (linger_ms > 0 && waiting.length < max) setTimeout(begin, linger_ms);
    else queueMicrotask(begin);
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      next();
    });
}

/** The first of those that wait, as many as go together. */
function take<In, Out>(waiting: Waiting<In, Out>[], max: number, weigh: (item: In) => number): Waiting<In, Out>[] {
  let weight = 0;
  const tooHeavy = waiting.findIndex(({ item }, at) => {
    weight += weigh(item);
    return at > 0 && weight > max;
  });
  return waiting.splice(0, tooHeavy < 0 ? waiting.length : tooHeavy);
}

type Work<In, Out> = (items: readonly In[]) => Promise<readonly Out[]>;

/** Works on a batch and tells each of its callers; where the other side is away, also those that wait behind it. Never rejects. */
async function settle<In, Out>(work: Work<In, Out>, batch: readonly Waiting<In, Out>[], behind: Waiting<In, Out>[]): Promise<void> {
  try {
    const results = await work(batch.map(({ item }) => item));
    // Work that keeps to its word has one for each.
    for (const [at, { resolve }] of batch.entries()) resolve(results[at] as Out);
  } catch (thrown) {
    await afterFailure(work, batch, { behind, thrown });
  }
}

async function afterFailure<In, Out>(
  work: Work<In, Out>,
  batch: readonly Waiting<In, Out>[],
  { behind, thrown }: { readonly behind: Waiting<In, Out>[]; readonly thrown: unknown },
): Promise<void> {
  const isAway = thrown instanceof OpsError && thrown.code === "unavailable";
  if (isAway || batch.length === 1) for (const { reject } of isAway ? [...batch, ...behind.splice(0)] : batch) reject(thrown);
  else for (const one of batch) await settle(work, [one], behind);
}
