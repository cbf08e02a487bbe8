import { expect, it } from "vitest";
import { createBatches } from "../../clients/bullmq/batches.ts";

/** Work that ends when the test says so. */
function stage(side_by_side: number) {
  const begun: (readonly number[])[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const work = (items: readonly number[]) => {
    begun.push(items);
    return new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())));
  };
  return { ...createBatches(work, side_by_side), begun, end: (error?: Error) => ends.shift()?.(error) };
}

it("what comes alone is worked on at once, what comes meanwhile together", async () => {
  const { add, begun, end } = stage(1);
  const first = add([1]);
  const others = [add([2, 3]), add([4])];
  expect(begun).toEqual([[1]]);
  end();
  await first;
  await Promise.resolve();
  expect(begun).toEqual([[1], [2, 3, 4]]);
  end();
  await Promise.all(others);
});

it("a batch that fails fails for those in it alone", async () => {
  const { add, begun, end } = stage(1);
  const first = add([1]);
  const second = add([2]);
  end(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await Promise.resolve();
  expect(begun).toEqual([[1], [2]]);
  end();
  await second;
  const third = add([3]);
  end();
  await third;
});
