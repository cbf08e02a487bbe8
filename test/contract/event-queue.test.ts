import { Redis } from "ioredis";
import { describe } from "vitest";
import { createEventQueue } from "../../clients/bullmq/event-queue.ts";
import { createPostgresStore } from "../../clients/bullmq/postgres.ts";
import { createProducer } from "../../clients/bullmq/producer.ts";
import { createRedisStore } from "../../clients/bullmq/redis.ts";
import type { JobStore, QueueBackend } from "../../clients/bullmq/store.ts";
import { createPool } from "../../clients/postgres/pool.ts";
import { usePostgres } from "../support/postgres.ts";
import { useRedis } from "../support/redis.ts";
import { type EventQueueStage, eventQueueContract } from "./event-queue.contract.ts";
import { keepLog, layCable } from "./queue-support.ts";

const MAX_BYTES = 50_000_000;

/** Opens queues of events on a backend that the stage can take away. */
function stageOn(backend: QueueBackend, rest: Omit<EventQueueStage, "open" | "addForeign">): EventQueueStage {
  const log = keepLog();
  const user = { name: "events", log };
  return {
    ...rest,
    open: ({ max_bytes = MAX_BYTES } = {}) => createEventQueue(backend, { log, max_bytes, lock_ms: 1_000 }),
    async addForeign(data) {
      const store = backend.kind === "redis" ? createRedisStore(backend.url, user) : createPostgresStore(backend.pool, user);
      const producer = createProducer<unknown>("events", store as JobStore<unknown>, log);
      await producer.run((queue) => queue.add("events", data, { attempts: 1_000, backoff: { type: "fixed", delay: 1_000 } }));
      await producer.close();
      await store.close();
    },
  };
}

describe("a queue of events on PostgreSQL", () => {
  const postgres = usePostgres();
  eventQueueContract(async () => {
    const cable = await layCable(await postgres.database());
    const pool = createPool(cable.connection, { application_name: "test", search_path: "bullmq,public", max: 20, log: keepLog() });
    return stageOn(
      { kind: "postgres", pool },
      {
        ...{ cut: cable.cut, mend: cable.mend, freeze: cable.freeze, thaw: cable.thaw },
      },
    );
  });
});

const redis = useRedis();
describe.skipIf(!redis.available)("a queue of events on Redis", () => {
  eventQueueContract(async () => {
    const direct = new Redis(redis.url());
    await direct.flushall();
    direct.disconnect();
    return stageOn(
      { kind: "redis", url: redis.url() },
      {
        ...{ cut: redis.stop, mend: redis.restart, freeze: redis.freeze, thaw: redis.thaw },
      },
    );
  });
});
