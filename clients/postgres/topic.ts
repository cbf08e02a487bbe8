import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { OpsError } from "../../core/errors.ts";
import type { Logger, Topic } from "../../core/ports.ts";
import { withinDeadline } from "../deadline.ts";
import { type Connection, toClientConfig, toUnavailable } from "./pool.ts";

/**
 * Largest message, as the bytes of its `{id, message}` in JSON. Source: a NOTIFY payload must be shorter than 8,000 bytes.
 * Redis has no such limit but keeps to this one, so that both refuse alike.
 */
const MESSAGE_MAX_BYTES = 7_500;

/** The one channel; the payload says which id is meant. */
const CHANNEL = "switchboard";
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;

/** Where and for whom. */
export interface PostgresTopicDeps {
  /** Publishes; shared, its owner ends it. */
  readonly pool: pg.Pool;
  /** Where the one listening connection goes: opened at the first subscription, and again whenever it breaks. */
  readonly connection: Connection;
  readonly log: Logger;
}

/** Who listens to what in this process. */
export interface Listeners {
  ids(): readonly string[];
  has(id: string): boolean;
  add(id: string, listener: (message: string) => void): void;
  remove(id: string, listener: (message: string) => void): void;
  /** Calls every listener of the id; one that throws is logged and disturbs no other. */
  tell(id: string, message: string): void;
}

/**
 * Publish and subscribe over LISTEN and NOTIFY. What is published while the listening connection is broken does not arrive.
 * `publish` throws `too_large` over 7,500 bytes: publish an id and let the listener read the row. Both methods throw `unavailable`
 * within 2 s when the database is away.
 */
export function createPostgresTopic({ pool, connection, log }: PostgresTopicDeps): Topic {
  const listeners = createListeners(log);
  const line = createLine(connection, log, (payload) => {
    const { id, message } = JSON.parse(payload) as { id: string; message: string };
    listeners.tell(id, message);
  });
  return {
    async publish(id, message) {
      const payload = encodeMessage(id, message);
      await withinDeadline("topic", () => pool.query("SELECT pg_notify($1, $2)", [CHANNEL, payload])).catch((thrown: unknown) => {
        throw toUnavailable(thrown);
      });
    },
    async subscribe(id, listener) {
      const own = (message: string) => listener(message);
      listeners.add(id, own);
      try {
        await withinDeadline("topic", () => line.connected());
      } catch (thrown) {
        listeners.remove(id, own);
        throw thrown;
      }
      return async () => listeners.remove(id, own);
    },
    close: () => line.close(),
  };
}

/**
 * A message with its id, as it travels.
 * @throws OpsError `too_large`
 */
export function encodeMessage(id: string, message: string): string {
  const payload = JSON.stringify({ id, message });
  const bytes = Buffer.byteLength(payload);
  if (bytes <= MESSAGE_MAX_BYTES) return payload;
  throw new OpsError("too_large", `a message for ${id} has ${bytes} bytes, more than ${MESSAGE_MAX_BYTES}`);
}

/** Makes an empty list of listeners. */
export function createListeners(log: Logger): Listeners {
  const all = new Map<string, Set<(message: string) => void>>();
  const tellOne = (id: string, message: string, listener: (message: string) => void) => {
    try {
      listener(message);
    } catch (error) {
      log.error({ err: error, id }, "a listener failed");
    }
  };
  return {
    ids: () => [...all.keys()],
    has: (id) => all.has(id),
    add(id, listener) {
      all.set(id, (all.get(id) ?? new Set()).add(listener));
    },
    remove(id, listener) {
      const left = all.get(id);
      left?.delete(listener);
      if (left?.size === 0) all.delete(id);
    },
    tell(id, message) {
      for (const listener of [...(all.get(id) ?? [])]) tellOne(id, message, listener);
    },
  };
}

/** The listening connection: kept open, by trying again, from the first call of `connected` until `close`. */
function createLine(connection: Connection, log: Logger, onPayload: (payload: string) => void) {
  const closing = new AbortController();
  let client: pg.Client | undefined;
  let standing: Promise<void> | undefined;

  const keepOpening = async (lost: boolean) => {
    for (let pause_ms = RETRY_MIN_MS; !closing.signal.aborted; pause_ms = Math.min(2 * pause_ms, RETRY_MAX_MS)) {
      try {
        client = await openListening(connection, onPayload, reopen);
        if (lost) log.info({}, "the topic's connection is back");
        return;
      } catch (error) {
        if (!lost) log.warn({ err: error }, "the topic's connection cannot be opened");
        lost = true;
        await sleep(pause_ms, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
      }
    }
  };
  const reopen = () => {
    if (closing.signal.aborted) return;
    log.warn({}, "the topic's connection is lost");
    standing = keepOpening(true);
  };
  return {
    connected() {
      standing ??= keepOpening(false);
      return standing;
    },
    async close() {
      closing.abort();
      const end = async () => {
        await standing;
        await client?.end();
      };
      await withinDeadline("topic", end).catch(() => undefined);
    },
  };
}

/** Opens one listening connection. `onEnd` is called once, when it ends after it stood. */
async function openListening(connection: Connection, onPayload: (payload: string) => void, onEnd: () => void): Promise<pg.Client> {
  const client = new pg.Client(toClientConfig(connection, { application_name: "switchboard topic" }));
  let state: "opening" | "standing" | "ended" = "opening";
  const end = () => {
    const stood = state === "standing";
    state = "ended";
    if (stood) onEnd();
  };
  // "end" follows every "error".
  client.on("error", () => undefined);
  client.once("end", end);
  client.on("notification", ({ payload }) => payload && onPayload(payload));
  try {
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
    if ((state as string) === "ended") throw new Error("the connection ended while it was opened");
    state = "standing";
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}
