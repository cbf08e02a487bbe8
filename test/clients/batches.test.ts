import { expect, it, vi } from "vitest";
import { type BatchOptions, createBatches } from "../../clients/batches.ts";
import { OpsError } from "../../core/errors.ts";

const until = (holds: () => boolean) => vi.waitFor(() => expect(holds()).toBe(true), { interval: 1 });

/** Work that ends when the test says so; it doubles what it is given. */
function stage(options?: BatchOptions<number>) {
  const begun: (readonly number[])[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const call = createBatches((items: readonly number[]) => {
    begun.push(items);
    return new Promise<number[]>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve(items.map((n) => 2 * n)))));
  }, options);
  const end = async (error?: Error) => {
    await until(() => ends.length > 0);
    ends.shift()?.(error);
  };
  return { call, begun, end };
}

it("what is asked at the same time goes together, what comes meanwhile into the next batch, and each gets its own result", async () => {
  const { call, begun, end } = stage();
  const first = [call(1), call(2)];
  await until(() => begun.length === 1);
  const others = [call(3), call(4), call(5)];
  await end();
  expect(await Promise.all(first)).toEqual([2, 4]);
  await end();
  expect(await Promise.all(others)).toEqual([6, 8, 10]);
  expect(begun).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
});

it("no more go together than may, and as many side by side as may", async () => {
  const { call, begun, end } = stage({ max: 2, side_by_side: 2 });
  const all = [1, 2, 3, 4, 5].map(call);
  await until(() => begun.length === 2);
  await end();
  await until(() => begun.length === 3);
  expect(begun).toEqual([[1, 2], [3, 4], [5]]);
  await end();
  await end();
  expect(await Promise.all(all)).toEqual([2, 4, 6, 8, 10]);
});

it("what is heavy goes with few others, or alone", async () => {
  const { call, begun, end } = stage({ max: 10, weigh: (n) => n });
  const all = [4, 5, 2, 30, 1].map(call);
  for (let batch = 0; batch < 4; batch++) await end();
  await Promise.all(all);
  expect(begun).toEqual([[4, 5], [2], [30], [1]]);
});

it("those that may wait for others do", async () => {
  const { call, begun, end } = stage({ linger_ms: 5 });
  const first = call(1);
  await new Promise(setImmediate);
  const second = call(2);
  await end();
  expect(await Promise.all([first, second])).toEqual([2, 4]);
  expect(begun).toEqual([[1, 2]]);
});

it("one that cannot be done does not take the others with it", async () => {
  const { call, begun, end } = stage();
  const all = Promise.allSettled([1, 2].map(call));
  await end(new Error("1 is a bad number"));
  await end(new Error("1 is a bad number"));
  await end();
  expect(await all).toMatchObject([{ reason: { message: "1 is a bad number" } }, { value: 4 }]);
  expect(begun).toEqual([[1, 2], [1], [2]]);
});

it("where the other side is away it is not asked for each of them", async () => {
  const { call, begun, end } = stage();
  const all = Promise.allSettled([1, 2].map(call));
  await end(new OpsError("unavailable", "away"));
  expect((await all).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const begins = Promise.allSettled([call(8)]);
  await until(() => begun.length === 2);
  const waits = Promise.allSettled([call(9)]);
  await end(new OpsError("unavailable", "away"));
  // Also for what waited behind it.
  expect([...(await begins), ...(await waits)].map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const third = call(3);
  await end();
  expect(await third).toBe(6);
  expect(begun).toEqual([[1, 2], [8], [3]]);
});
