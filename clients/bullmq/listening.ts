import { setTimeout as sleep } from "node:timers/promises";
import type { PgPool, PgPoolClient } from "bullmq";
import type { Pool, PoolClient } from "../postgres/pool.ts";

type Event = "error" | "end" | "notification";
type Listener = (about: never) => void;

/** The one connection of a pool that its queues share, and how many of them have it or are about to. */
interface Shared {
  readonly opened: Promise<PoolClient>;
  holders: number;
  /** Nobody else may have it afterwards: its session hears of jobs by now, or it broke. */
  isSpoiled: boolean;
  /** pg takes one statement at a time. */
  last: Promise<unknown>;
}

/** Gives a queue what looks like a connection of its own. */
type Connector = (queue: string) => ReturnType<PgPool["connect"]>;

const connectors = new WeakMap<Pool, Connector>();
const LISTEN = /^LISTEN /m;
/**
 * BullMQ's `publish_event` tells of an event only if it gets this lock for itself, and goes on without where somebody has it. Held by sessions, which may share
 * it, it has nobody told. Source: bullmq 6.7, 0002_functions.sql.
 */
const TELL_NOBODY = "SELECT pg_try_advisory_lock_shared(hashtext('bullmq:evnotify:' || $1)) AS held";
/** While a transaction has it, it is tried again after this time, in milliseconds. */
const TRY_AGAIN_MS = 100;

/**
 * Connects BullMQ's queues to a pool for what needs a session: they share one. PostgreSQL wakes every session that listens with every commit that tells of a
 * job, whichever queue it is for, and each of them wakes this process; with three that was a seventh of the database's work for single events.
 * The session that listens also keeps BullMQ from telling of what becomes of a job, to which nobody here listens.
 * @returns for each queue what looks like a connection of its own; when the shared one breaks, all of them hear of it
 */
export function connectorOf(pool: Pool): Connector {
  const known = connectors.get(pool);
  if (known) return known;
  let current: Shared | undefined;
  const forget = (shared: Shared) => {
    if (current === shared) current = undefined;
  };
  const open = async (): Promise<PoolClient> => {
    const client = await pool.connect();
    // One for each queue, and one for each worker that waits.
    client.setMaxListeners(0);
    return client;
  };
  const connect: Connector = async (queue) => {
    current ??= { opened: open(), holders: 0, isSpoiled: false, last: Promise.resolve() };
    const shared = current;
    shared.holders += 1;
    const client = await shared.opened.catch((thrown: unknown) => {
      forget(shared);
      throw thrown;
    });
    const spoil = () => {
      shared.isSpoiled = true;
      forget(shared);
    };
    client.on("error", spoil);
    const ask = (text: string, params?: unknown[]) => {
      const asked = shared.last.then(() => client.query(text, params));
      shared.last = asked.catch((thrown: unknown) => {
        // What is no answer of the server's leaves a connection that nobody else is to wait for.
        if (!isAnswer(thrown)) spoil();
      });
      return asked;
    };
    return hold(client, {
      async run(text, params) {
        if (!LISTEN.test(text)) return ask(text, params);
        shared.isSpoiled = true;
        const asked = ask(text, params);
        const tryIt = async () => (await ask(TELL_NOBODY, [queue])).rows[0]?.held === true;
        // Where that fails there are a few words too many.
        untilHeld(tryIt, () => shared.holders > 0).catch(() => undefined);
        return asked;
      },
      released: (isBroken) => {
        client.removeListener("error", spoil);
        shared.holders -= 1;
        shared.isSpoiled ||= isBroken;
        if (shared.holders > 0) return;
        forget(shared);
        client.release(shared.isSpoiled);
      },
    });
  };
  connectors.set(pool, connect);
  return connect;
}

async function untilHeld(tryIt: () => Promise<boolean>, isWanted: () => boolean): Promise<void> {
  while (isWanted() && !(await tryIt())) await sleep(TRY_AGAIN_MS, undefined, { ref: false });
}

const isAnswer = (thrown: unknown) => thrown instanceof Error && "severity" in thrown;

interface Held {
  run(text: string, params?: unknown[]): Promise<unknown>;
  /** Is called once. */
  released(isBroken: boolean): void;
}

function hold(client: PoolClient, { run, released }: Held): PgPoolClient {
  let own: (readonly [Event, Listener])[] = [];
  let isReleased = false;
  const drop = (isDropped: (event: Event, listener: Listener) => boolean) => {
    for (const [event, listener] of own) if (isDropped(event, listener)) client.removeListener(event, listener as () => void);
    own = own.filter(([event, listener]) => !isDropped(event, listener));
  };
  const held = {
    query: (text: string, params?: unknown[]) =>
      isReleased ? Promise.reject(new Error("this connection was released")) : run(text, params),
    on(event: Event, listener: Listener) {
      // BullMQ may go on with one that it closed meanwhile; the others' session is none of its business.
      if (isReleased) return held;
      own.push([event, listener]);
      client.on(event as "error", listener as (error: Error) => void);
      return held;
    },
    removeListener(event: Event, listener: Listener) {
      drop((its, one) => its === event && one === listener);
      return held;
    },
    removeAllListeners(event?: Event) {
      drop((its) => event === undefined || its === event);
      return held;
    },
    release(isBroken = false) {
      if (isReleased) return;
      isReleased = true;
      held.removeAllListeners();
      released(isBroken);
    },
  };
  // BullMQ describes pg's clients in its own words, and the overloads do not match them.
  return held as unknown as PgPoolClient;
}
