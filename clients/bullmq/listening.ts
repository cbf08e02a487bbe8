import type { PgPool, PgPoolClient } from "bullmq";
import type pg from "pg";

type Event = "error" | "end" | "notification";
type Listener = (about: never) => void;

/** The one connection of a pool that its queues share, and how many of them have it or are about to. */
interface Shared {
  readonly opened: Promise<pg.PoolClient>;
  holders: number;
  /** Its session hears of jobs by now, so nobody else may have it afterwards. */
  listens: boolean;
}

const connectors = new WeakMap<pg.Pool, PgPool["connect"]>();
const LISTEN = /^LISTEN /m;

/**
 * Connects BullMQ's queues to a pool for what needs a session: they share one. PostgreSQL wakes every session that listens with every commit that tells of a
 * job, whichever queue it is for, and each of them wakes this process; with three that was a seventh of the database's work for single events.
 * @returns for each queue what looks like a connection of its own; when the shared one breaks, all of them hear of it
 */
export function connectorOf(pool: pg.Pool): PgPool["connect"] {
  const known = connectors.get(pool);
  if (known) return known;
  let current: Shared | undefined;
  const forget = (shared: Shared) => {
    if (current === shared) current = undefined;
  };
  const open = async (): Promise<pg.PoolClient> => {
    const client = await pool.connect();
    // One for each queue, and one for each worker that waits.
    client.setMaxListeners(0);
    return client;
  };
  const connect = async () => {
    current ??= { opened: open(), holders: 0, listens: false };
    const shared = current;
    shared.holders += 1;
    const client = await shared.opened.catch((thrown: unknown) => {
      forget(shared);
      throw thrown;
    });
    const onError = () => forget(shared);
    client.on("error", onError);
    return hold(client, {
      ran: (text) => {
        shared.listens ||= LISTEN.test(text);
      },
      released: (isBroken) => {
        client.removeListener("error", onError);
        shared.holders -= 1;
        if (shared.holders > 0) return;
        forget(shared);
        client.release(isBroken || shared.listens);
      },
    });
  };
  connectors.set(pool, connect);
  return connect;
}

interface Held {
  ran(text: string): void;
  /** Is called once. */
  released(isBroken: boolean): void;
}

function hold(client: pg.PoolClient, { ran, released }: Held): PgPoolClient {
  let own: (readonly [Event, Listener])[] = [];
  let isReleased = false;
  const drop = (isDropped: (event: Event, listener: Listener) => boolean) => {
    for (const [event, listener] of own) if (isDropped(event, listener)) client.removeListener(event, listener as () => void);
    own = own.filter(([event, listener]) => !isDropped(event, listener));
  };
  const held = {
    query(text: string, params?: unknown[]) {
      ran(text);
      return client.query(text, params);
    },
    on(event: Event, listener: Listener) {
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
