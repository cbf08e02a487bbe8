import { createPostgresBackend, type PgPool, withBackend } from "bullmq";
import { toUnavailable } from "../postgres/pool.ts";
import { run } from "../postgres/query.ts";
import { connectorOf } from "./listening.ts";
import { type Backlog, type JobStore, type Producer, type QueueBackend, STREAMS, type StoreUser } from "./store.ts";

type Pool = Extract<QueueBackend, { kind: "postgres" }>["pool"];

const WAITING = "SELECT id FROM job WHERE queue = $1 AND id = ANY($2) AND state NOT IN ('active', 'completed', 'failed')";

const OPEN = "queue = $1 AND state IN ('waiting', 'active', 'delayed')";

const BACKLOG = `SELECT count(*)::int AS jobs, min(added_at_ms)::float8 AS oldest_at, coalesce(sum(pg_column_size(data)), 0)::float8 AS bytes
  FROM job WHERE ${OPEN}`;

const CONTENTS = `SELECT data::text AS data FROM job WHERE ${OPEN} ORDER BY seq DESC LIMIT $2 OFFSET $3`;

/** Jobs in PostgreSQL, in BullMQ's own tables. */
export function createPostgresStore<Data>(
  pool: Pool,
  { name, worker_pool = pool }: StoreUser & { readonly worker_pool?: Pool | undefined },
): JobStore<Data> {
  const { Queue, Worker } = withBackend(createPostgresBackend);
  const connector = connectorOf(pool);
  const connect = () => connector(name);
  const connection = preparing(pool, connect);
  const workers = preparing(worker_pool, connect);
  return {
    ping: () => pool.query("SELECT 1"),
    // BullMQ's own types leave open what a type parameter's data is.
    producer: () => new Queue(name, { connection, streams: STREAMS }) as unknown as Producer<Data>,
    consumer(work, options) {
      const consumer = new Worker<Data>(name, ({ data, timestamp }) => work(data, timestamp), { connection: workers, ...options });
      const setConcurrency = (at_once: number) => {
        consumer.concurrency = at_once;
      };
      return { consumer, setConcurrency, disconnect: () => consumer.disconnect() };
    },
    async waiting(job_ids) {
      const { rows } = await pool.query<{ id: string }>(WAITING, [name, job_ids]);
      return rows.map(({ id }) => id);
    },
    async backlog() {
      const { rows } = await pool.query<Omit<Backlog, "fullness">>(BACKLOG, [name]);
      return { jobs: 0, oldest_at: null, bytes: 0, ...rows[0], fullness: 0 };
    },
    async *contents(at_a_time) {
      for (let from = 0, found = at_a_time; found === at_a_time; from += at_a_time) {
        const { rows } = await pool.query<{ data: string }>(CONTENTS, [name, at_a_time, from]);
        found = rows.length;
        yield rows.map(({ data }) => data);
      }
    },
    toError: toUnavailable,
    close: async () => undefined,
  };
}

/** A pool as BullMQ is given it: its statements are parsed and planned once a connection, which takes the server a fifth of what they take. */
function preparing(pool: Pool, connect: PgPool["connect"]): PgPool {
  const prepared = {
    // BullMQ looks here whether connections notice that the server is gone.
    options: pool.options,
    query: (text: string, params: readonly unknown[] = []) => run(pool, text, [...params]),
    connect,
    end: () => pool.end(),
    on(event: "error" | "connect", listener: (about: never) => void) {
      pool.on(event as "error", listener as (error: Error) => void);
      return prepared;
    },
    removeAllListeners(event?: "error" | "connect") {
      pool.removeAllListeners(event);
      return prepared;
    },
  };
  // BullMQ describes pg's pool in its own words, and the overloads do not match them.
  return prepared as unknown as PgPool;
}
