import { Redis } from "ioredis";
import { describe } from "vitest";
import { createPool } from "../../clients/postgres/pool.ts";
import { createPostgresTopic } from "../../clients/postgres/topic.ts";
import { createRedisTopic } from "../../clients/redis/topic.ts";
import { usePostgres, withClient } from "../support/postgres.ts";
import { useRedis } from "../support/redis.ts";
import { keepLog, layCable } from "./queue-support.ts";
import { topicContract } from "./topic.contract.ts";

const KILL = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'switchboard topic'`;

describe("a topic on PostgreSQL", () => {
  const postgres = usePostgres();
  topicContract(async () => {
    const log = keepLog();
    const database = await postgres.database();
    const cable = await layCable(database);
    const pool = createPool(cable.connection, { application_name: "test", max: 4, log: keepLog() });
    return {
      ...cable,
      log,
      open: () => createPostgresTopic({ pool, connection: cable.connection, log }),
      killListeners: () => withClient(database, async (client) => (await client.query(KILL)).rowCount ?? 0),
      end: async () => {
        await pool.end();
        await cable.close();
      },
    };
  });
});

const redis = useRedis();
describe.skipIf(!redis.available)("a topic on Redis", () => {
  topicContract(async () => {
    const log = keepLog();
    const direct = new Redis(redis.url());
    direct.on("error", () => undefined);
    return {
      log,
      open: () => createRedisTopic({ url: redis.url(), log }),
      killListeners: async () => Number(await direct.call("CLIENT", "KILL", "TYPE", "pubsub")),
      cut: redis.stop,
      mend: redis.restart,
      freeze: redis.freeze,
      thaw: redis.thaw,
      end: async () => direct.disconnect(),
    };
  });
});
