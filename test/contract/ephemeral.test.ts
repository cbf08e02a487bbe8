import { Redis } from "ioredis";
import { describe, expect, it, vi } from "vitest";
import { createPostgresEphemeral } from "../../clients/postgres/ephemeral.ts";
import { createPool } from "../../clients/postgres/pool.ts";
import { createRedisEphemeral } from "../../clients/redis/ephemeral.ts";
import type { Budget } from "../../core/ports.ts";
import { usePostgres, withClient } from "../support/postgres.ts";
import { useRedis } from "../support/redis.ts";
import { type EphemeralStage, ephemeralContract } from "./ephemeral.contract.ts";
import { keepLog, layCable } from "./queue-support.ts";

const log = keepLog();
const widthOf = ({ window_ms }: Budget) => Math.ceil(window_ms / 100);

describe("small things in PostgreSQL", () => {
  const postgres = usePostgres();
  const setUp = async (): Promise<EphemeralStage> => {
    const database = await postgres.database();
    const cable = await layCable(database);
    const pools = [1, 2].map(() => createPool(cable.connection, { application_name: "test", max: 4, log }));
    const row = ({ key, window_ms }: Budget) => `budget:${key}:${window_ms}`;
    let opened = 0;
    return {
      ...cable,
      open: () => {
        const pool = pools[opened++ % 2];
        if (!pool) throw new Error("there are two pools");
        return createPostgresEphemeral({ pool, log });
      },
      buckets: (budget) =>
        withClient(database, async (client) => {
          const count = "SELECT count(*)::int AS buckets FROM conversations, jsonb_object_keys(value) WHERE key = $1";
          return (await client.query<{ buckets: number }>(count, [row(budget)])).rows[0]?.buckets ?? 0;
        }),
      setClockBack: async (budget, ms) => {
        const shift = `UPDATE conversations SET value = (SELECT jsonb_object_agg(k::bigint + $2::bigint, v) FROM jsonb_each(value) AS t(k, v)) WHERE key = $1`;
        await withClient(database, (client) => client.query(shift, [row(budget), Math.round(ms / widthOf(budget))]));
      },
      end: async () => {
        await Promise.all(pools.map((pool) => pool.end()));
        await cable.close();
      },
    };
  };
  ephemeralContract(setUp);

  it("removes what is over in passing", async () => {
    const database = await postgres.database();
    const pool = createPool(database, { application_name: "test", max: 4, log });
    const ephemeral = createPostgresEphemeral({ pool, log });
    await Promise.all(Array.from({ length: 150 }, (_, index) => ephemeral.put(`old${index}`, 1, 1)));
    await ephemeral.put("kept", 1, 60_000);
    await vi.waitFor(async () => {
      await Promise.all(Array.from({ length: 50 }, () => ephemeral.put("new", 1, 60_000)));
      const { rows } = await pool.query("SELECT key FROM conversations ORDER BY key");
      expect(rows).toEqual([{ key: "value:kept" }, { key: "value:new" }]);
    });
    await ephemeral.close();
    await pool.end();
  });
});

const redis = useRedis();
describe.skipIf(!redis.available)("small things in Redis", () => {
  ephemeralContract(async () => {
    const direct = new Redis(redis.url());
    direct.on("error", () => undefined);
    await direct.flushall();
    const hash = ({ key, window_ms }: Budget) => `switchboard:budget:${key}:${window_ms}`;
    return {
      open: () => createRedisEphemeral({ url: redis.url(), log }),
      buckets: (budget) => direct.hlen(hash(budget)),
      setClockBack: async (budget, ms) => {
        for (const [bucket, calls] of Object.entries(await direct.hgetall(hash(budget)))) {
          await direct.hdel(hash(budget), bucket);
          await direct.hset(hash(budget), String(Number(bucket) + Math.round(ms / widthOf(budget))), calls);
        }
      },
      cut: redis.stop,
      mend: redis.restart,
      freeze: redis.freeze,
      thaw: redis.thaw,
      end: async () => direct.disconnect(),
    };
  });

  it("keeps nothing for longer than it must", async () => {
    const direct = new Redis(redis.url());
    await direct.flushall();
    const ephemeral = createRedisEphemeral({ url: redis.url(), log });
    await ephemeral.put("k", 1, 60_000);
    await ephemeral.count("k", 60_000);
    await ephemeral.reserve([{ key: "k", limit: 1, window_ms: 1_000 }]);
    const keys = await direct.keys("*");
    expect(keys.sort()).toEqual(["switchboard:budget:k:1000", "switchboard:count:k", "switchboard:value:k"]);
    for (const key of keys) expect(await direct.pttl(key)).toBeGreaterThan(0);
    await ephemeral.close();
    direct.disconnect();
  });
});
