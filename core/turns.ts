/** Does work of one key in turn: a later one begins when the earlier has ended, however it ended. Those of different keys go side by side. */
export type Turns = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Makes turns of this process. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, mine);
    const leave = () => {
      if (last.get(key) === mine) last.delete(key);
    };
    mine.then(leave, leave);
    return mine;
  };
}
