import { ANSWER_WITHIN_MS, unavailable } from "../deadline.ts";

/** What one caller gave, until it is sent. */
interface Call<Item> {
  readonly items: readonly Item[];
  /** On the clock of `performance.now()`. */
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (thrown: unknown) => void;
}

/** Why it was not sent. */
interface Failure {
  readonly thrown: unknown;
}

/**
 * The callers whose items wait to be sent, in their order, and those whose items are under way.
 * @param options.bound items of both together; whoever comes when there are more is told `unavailable`
 */
export function createWaitingLine<Item>({ bound, part }: { readonly bound: number; readonly part: string }) {
  let waiting: Call<Item>[] = [];
  let weight = 0;
  let held = 0;
  let came = 0;
  let watched = false;

  /** Those who have waited for too long: what is before them does not come to an end. */
  const giveUp = () => {
    watched = false;
    const late = lateOf(waiting);
    waiting = waiting.slice(late.length);
    for (const { items } of late) weight -= items.length;
    settle(late, { thrown: unavailable(`${part}: it is behind by ${ANSWER_WITHIN_MS} ms`) });
    watch();
  };
  const watch = () => {
    if (watched || waiting.length === 0) return;
    watched = true;
    setTimeout(giveUp, left(waiting[0]));
  };
  const settle = (calls: readonly Call<Item>[], failure?: Failure) => {
    for (const { items, resolve, reject } of calls) {
      held -= items.length;
      if (failure) reject(failure.thrown);
      else resolve();
    }
  };
  return {
    /** Resolves when they were sent. */
    join(items: readonly Item[]): Promise<void> {
      if (held + items.length > bound) return Promise.reject(unavailable(`${part}: ${held} wait already`));
      held += items.length;
      weight += items.length;
      came += 1;
      return new Promise((resolve, reject) => {
        waiting.push({ items, since: performance.now(), resolve, reject });
        watch();
      });
    },
    /** The first of those who wait, as many as go together; they are under way until they are settled. */
    take(max: number): readonly Call<Item>[] {
      const calls = waiting.splice(0, fitting(waiting, max));
      for (const { items } of calls) weight -= items.length;
      return calls;
    },
    /**
     * Has them sent, and tells each of them when they were; or why not; or, at its own deadline, that it takes too long.
     * @returns resolves when nobody waits for it any more
     */
    send: (calls: readonly Call<Item>[], work: () => Promise<void>): Promise<void> => sendInTime(calls, { work, settle, part }),
    /** Items that wait. */
    weight: () => weight,
    /** How many callers have ever come. */
    came: () => came,
    /** When the first of those who wait came. */
    since: () => waiting[0]?.since ?? performance.now(),
  };
}

/** How many of the calls go together: as many as have so many items, and the first however many it has. */
function fitting<Item>(calls: readonly Call<Item>[], max: number): number {
  let size = 0;
  const tooHeavy = calls.findIndex(({ items }, at) => {
    size += items.length;
    return at > 0 && size > max;
  });
  return tooHeavy < 0 ? calls.length : tooHeavy;
}

interface Sending<Item> {
  work(): Promise<void>;
  settle(calls: readonly Call<Item>[], failure?: Failure): void;
  readonly part: string;
}

function sendInTime<Item>(calls: readonly Call<Item>[], { work, settle, part }: Sending<Item>): Promise<void> {
  let open = calls;
  let timer: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    const tell = (some: readonly Call<Item>[], failure?: Failure) => {
      open = open.slice(some.length);
      settle(some, failure);
      clearTimeout(timer);
      if (open.length === 0) resolve();
      else watch();
    };
    const watch = () => {
      timer = setTimeout(
        () => tell(lateOf(open), { thrown: unavailable(`${part}: no answer within ${ANSWER_WITHIN_MS} ms`) }),
        left(open[0]),
      );
    };
    watch();
    work().then(
      () => tell(open),
      (thrown: unknown) => tell(open, { thrown }),
    );
  });
}

/** Those whose time is over, of some in the order in which they came. */
function lateOf<Item>(calls: readonly Call<Item>[]): readonly Call<Item>[] {
  const at = calls.findIndex((call) => left(call) > 0);
  return at < 0 ? calls : calls.slice(0, at);
}

/** How long a call may go on waiting, in milliseconds. */
function left<Item>(call: Call<Item> | undefined): number {
  return call ? Math.max(0, call.since + ANSWER_WITHIN_MS - performance.now()) : 0;
}
