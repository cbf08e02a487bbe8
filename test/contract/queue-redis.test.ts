import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { createQueue } from "../../clients/bullmq/queue.ts";
import { checkRedis } from "../../clients/redis/connection.ts";
import { useRedis } from "../support/redis.ts";
import { keepLog } from "./queue-support.ts";

const durable = useRedis();
const volatile = useRedis(["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"]);

describe.skipIf(!durable.available)("what is asked of a Redis", () => {
  it("says whether it is fit to hold work", async () => {
    expect(await checkRedis(durable.url())).toEqual({ aof: true, noeviction: true, version: expect.stringMatching(/^\d+\.\d+/) });
    expect(await checkRedis(volatile.url())).toMatchObject({ aof: false, noeviction: false });
  });

  it("says within 2 s that it is not there", async () => {
    await expect(checkRedis("redis://127.0.0.1:1")).rejects.toMatchObject({ code: "unavailable" });
  });

  it("keeps the jobs over a restart, holds nothing but their ids, and lets finished ones go after an hour", async () => {
    const queue = createQueue("kept", { kind: "redis", url: durable.url() }, { log: keepLog() });
    await queue.add([{ job_id: "a-0", id: "a" }]);
    await queue.close();
    await durable.restart();
    const direct = new Redis(durable.url());
    const job = await direct.hgetall("switchboard:queue:kept:a-0");
    direct.disconnect();
    expect(job["data"]).toBe('{"id":"a"}');
    expect(JSON.parse(job["opts"] ?? "")).toMatchObject({
      attempts: 1,
      removeOnComplete: { age: 3_600, count: 10_000 },
      removeOnFail: { age: 3_600, count: 10_000 },
    });
  });
});
