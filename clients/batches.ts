import { OpsError } from "../core/errors.ts";

/** How calls are gathered. */
export interface BatchOptions {
  /** Calls that go together at most. */
  readonly max?: number;
  /** Batches that may be under way; what comes meanwhile goes into the next. */
  readonly side_by_side?: number;
  /** How long the first call waits for others, in milliseconds; by default until everything that has arrived by now has been read. */
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
  { max = MAX, side_by_side = 1, linger_ms = 0 }: BatchOptions = {},
): (item: In) => Promise<Out> {
  const waiting: Waiting<In, Out>[] = [];
  let underWay = 0;
  let begins = false;
  const begin = () => {
    begins = false;
    underWay += 1;
    void settle(work, waiting.splice(0, max)).then(() => {
      underWay -= 1;
      next();
    });
    next();
  };
  const next = () => {
    if (begins || waiting.length === 0 || underWay >= side_by_side) return;
    begins = true;
    if (linger_ms > 0 && waiting.length < max) setTimeout(begin, linger_ms);
    else setImmediate(begin);
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      next();
    });
}

type Work<In, Out> = (items: readonly In[]) => Promise<readonly Out[]>;

/** Works on a batch and tells each of its callers. Never rejects. */
async function settle<In, Out>(work: Work<In, Out>, batch: readonly Waiting<In, Out>[]): Promise<void> {
  try {
    const results = await work(batch.map(({ item }) => item));
    // Work that keeps to its word has one for each.
    for (const [at, { resolve }] of batch.entries()) resolve(results[at] as Out);
  } catch (thrown) {
    await afterFailure(work, batch, thrown);
  }
}

async function afterFailure<In, Out>(work: Work<In, Out>, batch: readonly Waiting<In, Out>[], thrown: unknown): Promise<void> {
  const isAway = thrown instanceof OpsError && thrown.code === "unavailable";
  if (isAway || batch.length === 1) for (const { reject } of batch) reject(thrown);
  else for (const one of batch) await settle(work, [one]);
}
