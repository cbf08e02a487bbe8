import { describe } from "vitest";
import { createQueue } from "../../clients/bullmq/queue.ts";
import type { QueueBackend } from "../../clients/bullmq/store.ts";
import { createPool } from "../../clients/postgres/pool.ts";
import { usePostgres } from "../support/postgres.ts";
import { useRedis } from "../support/redis.ts";
import { type QueueStage, queueContract } from "./queue.contract.ts";
import { keepLog, layCable } from "./queue-support.ts";

/** Opens queues on a backend that the stage can take away. */
function stageOn(backend: QueueBackend, rest: Omit<QueueStage, "open" | "log">): QueueStage {
  const log = keepLog();
  return { ...rest, log, open: (name) => createQueue(name, backend, { log, lock_ms: 1_000 }) };
}

describe("a queue on PostgreSQL", () => {
  const postgres = usePostgres();
  queueContract(async () => {
    const cable = await layCable(await postgres.database());
    const pool = createPool(cable.connection, { application_name: "test", search_path: "bullmq,public", max: 20, log: keepLog() });
    const end = async () => {
      await pool.end();
      await cable.close();
    };
    return stageOn({ kind: "postgres", pool }, { cut: cable.cut, mend: cable.mend, freeze: cable.freeze, thaw: cable.thaw, end });
  });
});

const redis = useRedis();
describe.skipIf(!redis.available)("a queue on Redis", () => {
  queueContract(async () =>
    stageOn(
      { kind: "redis", url: redis.url() },
      { cut: redis.stop, mend: redis.restart, freeze: redis.freeze, thaw: redis.thaw, end: async () => undefined },
    ),
  );
});
