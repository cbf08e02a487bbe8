import { createPostgresBackend, type PgPool, withBackend } from "bullmq";
import { toUnavailable } from "../postgres/pool.ts";
import { type JobData, type JobStore, type QueueBackend, STREAMS, type StoreUser } from "./store.ts";

type Pool = Extract<QueueBackend, { kind: "postgres" }>["pool"];

const WAITING = "SELECT id FROM job WHERE queue = $1 AND id = ANY($2) AND state NOT IN ('active', 'completed', 'failed')";

/** Jobs in PostgreSQL, in BullMQ's own tables. */
export function createPostgresStore(pool: Pool, { name }: StoreUser): JobStore {
  const { Queue, Worker } = withBackend(createPostgresBackend);
  // BullMQ describes pg's pool in its own words, and the overloads of `query` do not match them.
  const connection = pool as unknown as PgPool;
  return {
    ping: () => pool.query("SELECT 1"),
    producer: () => new Queue<JobData>(name, { connection, streams: STREAMS }),
    consumer(work, options) {
      const consumer = new Worker<JobData>(name, ({ data }) => work(data), { connection, ...options });
      return { consumer, disconnect: () => consumer.disconnect() };
    },
    async waiting(job_ids) {
      const { rows } = await pool.query<{ id: string }>(WAITING, [name, job_ids]);
      return rows.map(({ id }) => id);
    },
    toError: toUnavailable,
    close: async () => undefined,
  };
}
