import { Queue as BullQueue, Worker as BullWorker } from "bullmq";
import { Redis } from "ioredis";
import { connectRedis, PATIENT, toRedisError } from "../redis/connection.ts";
import { type KeyOf, readBacklog, readContents } from "./redis-backlog.ts";
import { type JobStore, type Producer, STREAMS, type StoreUser } from "./store.ts";

/** Jobs are added in batches already, and gathering commands costs as much as one of them. */
const ONE_BY_ONE = { enableAutoPipelining: false };
const PREFIX = "switchboard:queue";

/** Jobs in Redis. The producer's connection fails fast, a worker's waits for Redis to come back. */
export function createRedisStore<Data>(url: string, { name, log }: StoreUser): JobStore<Data> {
  const part = `queue ${name}`;
  const keyOf: KeyOf = (rest) => `${PREFIX}:${name}:${rest}`;
  const redis = connectRedis(url, { part, log }, ONE_BY_ONE);
  return {
    ping: () => redis.run((client) => client.ping()),
    // BullMQ's own types leave open what a type parameter's data is.
    producer: () => new BullQueue(name, { connection: redis.client, prefix: PREFIX, streams: STREAMS }) as unknown as Producer<Data>,
    consumer(work, options) {
      const client = new Redis(url, PATIENT);
      // BullMQ hands its errors on to the worker's listener, which logs them.
      client.on("error", () => undefined);
      const consumer = new BullWorker<Data>(name, ({ data, timestamp }) => work(data, timestamp), {
        connection: client,
        prefix: PREFIX,
        ...options,
      });
      const setConcurrency = (at_once: number) => {
        consumer.concurrency = at_once;
      };
      return { consumer, setConcurrency, disconnect: async () => client.disconnect() };
    },
    async waiting(job_ids) {
      // A job's hash is there until it is removed, and has processedOn from when a worker took it. BullMQ's own getState walks through
      // the list of waiting jobs for each id. Source: bullmq 6.7, commands/moveToActive-11.lua.
      const replies = await redis.run((client) => {
        const pipeline = client.pipeline();
        for (const job_id of job_ids) pipeline.hmget(keyOf(job_id), "name", "processedOn");
        return pipeline.exec();
      });
      return job_ids.filter((_, index) => {
        const [error, fields] = replies?.[index] ?? [];
        if (error) throw toRedisError(error, part);
        const [known, begun] = fields as readonly (string | null)[];
        return known !== null && begun === null;
      });
    },
    backlog: () => redis.run((client) => readBacklog(client, keyOf)),
    contents: (at_a_time) => readContents((work) => redis.run(work), keyOf, at_a_time),
    toError: (thrown) => toRedisError(thrown, part),
    close: () => redis.close(),
  };
}
