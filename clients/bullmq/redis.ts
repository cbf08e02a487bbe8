import { Queue as BullQueue, Worker as BullWorker } from "bullmq";
import { Redis } from "ioredis";
import { connectRedis, PATIENT, toRedisError } from "../redis/connection.ts";
import { type JobData, type JobStore, STREAMS, type StoreUser } from "./store.ts";

const PREFIX = "switchboard:queue";

/** Jobs in Redis. The producer's connection fails fast, a worker's waits for Redis to come back. */
export function createRedisStore(url: string, { name, log }: StoreUser): JobStore {
  const part = `queue ${name}`;
  const redis = connectRedis(url, { part, log });
  return {
    ping: () => redis.run((client) => client.ping()),
    producer: () => new BullQueue<JobData>(name, { connection: redis.client, prefix: PREFIX, streams: STREAMS }),
    consumer(work, options) {
      const client = new Redis(url, PATIENT);
      // BullMQ hands its errors on to the worker's listener, which logs them.
      client.on("error", () => undefined);
      const consumer = new BullWorker<JobData>(name, ({ data }) => work(data), { connection: client, prefix: PREFIX, ...options });
      return { consumer, disconnect: async () => client.disconnect() };
    },
    async waiting(job_ids) {
      // A job's hash is there until it is removed, and has processedOn from when a worker took it. BullMQ's own getState walks through
      // the list of waiting jobs for each id. Source: bullmq 6.7, commands/moveToActive-11.lua.
      const replies = await redis.run((client) => {
        const pipeline = client.pipeline();
        for (const job_id of job_ids) pipeline.hmget(`${PREFIX}:${name}:${job_id}`, "name", "processedOn");
        return pipeline.exec();
      });
      return job_ids.filter((_, index) => {
        const [error, fields] = replies?.[index] ?? [];
        if (error) throw toRedisError(error, part);
        const [known, begun] = fields as readonly (string | null)[];
        return known !== null && begun === null;
      });
    },
    toError: (thrown) => toRedisError(thrown, part),
    close: () => redis.close(),
  };
}
