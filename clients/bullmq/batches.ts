/** Gathers what arrives while a batch is under way, so that many small calls become few large ones. One that comes alone waits for nothing. */
export interface Batches<T> {
  /** Resolves when the batch with these has been worked on. @throws what the work on that batch threw */
  add(items: readonly T[]): Promise<void>;
}

interface Batch<T> {
  readonly items: T[];
  readonly done: Promise<void>;
}

/**
 * Makes it.
 * @param work on one batch; several may be under way
 * @param side_by_side how many batches may be under way before the next ones are gathered
 */
export function createBatches<T>(work: (items: readonly T[]) => Promise<void>, side_by_side: number): Batches<T> {
  let underWay = 0;
  let gathering: (Batch<T> & { readonly start: () => void }) | undefined;

  const start = async (items: readonly T[]): Promise<void> => {
    underWay += 1;
    try {
      await work(items);
    } finally {
      underWay -= 1;
      const next = gathering;
      gathering = undefined;
      next?.start();
    }
  };
  const gather = () => {
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const items: T[] = [];
    return { items, start: begin, done: begun.then(() => start(items)) };
  };
  return {
    async add(items) {
      if (underWay < side_by_side) return start(items);
      gathering ??= gather();
      gathering.items.push(...items);
      return gathering.done;
    },
  };
}
