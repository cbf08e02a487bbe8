import { expect, it, onTestFinished, vi } from "vitest";
import { createGatherer, type GathererOptions } from "../../clients/bullmq/gatherer.ts";
import { OpsError } from "../../core/errors.ts";

const until = (holds: () => boolean) => vi.waitFor(() => expect(holds()).toBe(true), { interval: 1 });

/** A gatherer whose batches end when the test says so. */
function stage(options: Partial<GathererOptions<number>> = {}) {
  const sent: (readonly number[])[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const { add } = createGatherer<number>({
    ...{ max: 4, linger_ms: 1, side_by_side: 1, bound: 1_000, part: "test", ...options },
    send: (items) => {
      sent.push(items);
      return new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())));
    },
  });
  const end = async (error?: Error) => {
    await until(() => ends.length > 0);
    ends.shift()?.(error);
  };
  return { add, sent, end };
}

/** Time that passes when the test says so. */
function holdTime(): void {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
}

it("what comes within a moment goes together, and everybody hears when it is there", async () => {
  const { add, sent, end } = stage();
  const both = Promise.all([add([1]), add([2, 3])]);
  await until(() => sent.length === 1);
  await end();
  await both;
  expect(sent).toEqual([[1, 2, 3]]);
});

it("a full batch goes at once, what one caller gave stays together, and more than a batch goes alone", async () => {
  const { add, sent, end } = stage({ linger_ms: 60_000, side_by_side: 3 });
  const all = Promise.all([add([1, 2, 3]), add([4, 5]), add([6, 7, 8, 9, 10, 11])]);
  await until(() => sent.length === 3);
  for (let at = 0; at < 3; at++) await end();
  await all;
  expect(sent).toEqual([
    [1, 2, 3],
    [4, 5],
    [6, 7, 8, 9, 10, 11],
  ]);
});

it("no more batches are under way than may be; the next goes when one has ended", async () => {
  const { add, sent, end } = stage({ max: 1 });
  const all = Promise.all([add([1]), add([2])]);
  await until(() => sent.length === 1);
  expect(sent).toEqual([[1]]);
  await end();
  await end();
  await all;
  expect(sent).toEqual([[1], [2]]);
});

it("a failure is told to those of its batch alone", async () => {
  const { add, end } = stage({ max: 1 });
  const [first, second] = [add([1]), add([2])];
  const told = expect(first).rejects.toThrow("no room");
  await end(new Error("no room"));
  await told;
  await end();
  await second;
});

it("past its bound it refuses at once, and takes more when a batch has ended", async () => {
  const { add, end } = stage({ bound: 3 });
  const first = add([1, 2, 3]);
  await expect(add([4])).rejects.toMatchObject({ code: "unavailable", retry_after_ms: expect.any(Number) });
  await end();
  await first;
  const next = add([4]);
  await end();
  await next;
});

it("whoever has waited for 1.8 s is told so, whether under way or behind, and each at their own time", async () => {
  holdTime();
  const { add, sent } = stage({ max: 1, linger_ms: 0 });
  const heard: string[] = [];
  const listen = (name: string, call: Promise<void>) =>
    void call.catch((thrown: unknown) => heard.push(`${name} ${thrown instanceof OpsError ? thrown.code : "?"}`));
  listen("under way", add([1]));
  await vi.advanceTimersByTimeAsync(1_000);
  listen("behind", add([2]));
  await vi.advanceTimersByTimeAsync(799);
  expect(heard).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(heard).toEqual(["under way unavailable"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(heard).toEqual(["under way unavailable", "behind unavailable"]);
  expect(sent).toEqual([[1], [2]]);
});

it("those who wait behind batches that do not end are told at their own time, too", async () => {
  holdTime();
  const { add, sent } = stage({ max: 1, linger_ms: 0 });
  const calls = [add([1]), add([2]), add([3])].map((call) => call.catch((thrown: unknown) => thrown));
  await vi.advanceTimersByTimeAsync(1_810);
  for (const answer of await Promise.all(calls)) expect(answer).toMatchObject({ code: "unavailable" });
  expect(sent.length).toBeLessThanOrEqual(3);
});

it("of one batch each is told at its own time, and who still waits hears that it was sent", async () => {
  holdTime();
  const { add, sent, end } = stage({ linger_ms: 1_000 });
  await Promise.all([add([0]), end()]);
  const early = add([1]);
  await vi.advanceTimersByTimeAsync(900);
  const late = add([2]);
  const told = expect(early).rejects.toMatchObject({ code: "unavailable" });
  await vi.advanceTimersByTimeAsync(900);
  await told;
  expect(sent).toEqual([[0], [1, 2]]);
  await end();
  await late;
});

it("a batch goes as soon as all are back who went with the one before, and not while one is missing", async () => {
  const { add, sent, end } = stage({ max: 500, linger_ms: 60_000 });
  const round = async (callers: number) => {
    const before = sent.length;
    const all = Promise.all(Array.from({ length: callers }, (_, at) => add([at])));
    await until(() => sent.length > before);
    await end();
    await all;
  };
  await round(20);
  await round(20);
  await round(21);
  expect(sent.map(({ length }) => length)).toEqual([20, 20, 21]);
  const waits = Promise.all(Array.from({ length: 20 }, (_, at) => add([at])));
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toHaveLength(3);
  const last = add([20]);
  await end();
  await Promise.all([waits, last]);
});

/** Twenty callers who come back together, on a clock that the test moves. */
async function inStep(rounds: number) {
  holdTime();
  const { add, sent, end } = stage({ max: 100, linger_ms: 10, side_by_side: 3 });
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const crowd = (callers: number) => Promise.all(Array.from({ length: callers }, (_, at) => add([at])));
  for (let round = 0; round < rounds; round++) {
    const all = crowd(20);
    await pass(1);
    await Promise.all([all, end()]);
  }
  return { add, crowd, pass, end, sizes: () => sent.slice(rounds).map(({ length }) => length) };
}

it("who came back together several times is waited for longer: nobody for more than twice the time of strangers, and only once", async () => {
  const { crowd, pass, end, sizes } = await inStep(5);
  const rest = crowd(19);
  await pass(19);
  expect(sizes()).toEqual([]);
  await pass(2);
  expect(sizes()).toEqual([19]);
  await Promise.all([rest, end()]);
  const fewer = crowd(18);
  await pass(11);
  expect(sizes()).toEqual([19, 18]);
  await Promise.all([fewer, end()]);
});

it("who comes late of those is waited for three times as long as strangers, from the batch before", async () => {
  const { crowd, pass, end, sizes } = await inStep(5);
  await pass(14);
  const rest = crowd(19);
  await pass(14);
  expect(sizes()).toEqual([]);
  await pass(2);
  expect(sizes()).toEqual([19]);
  await Promise.all([rest, end()]);
});

it("who came back together once or twice, or brought a stranger along, or is one with many, is waited for like anybody else", async () => {
  const soon = await inStep(3);
  const some = soon.crowd(19);
  await soon.pass(11);
  expect(soon.sizes()).toEqual([19]);
  await Promise.all([some, soon.end()]);

  const stranger = await inStep(5);
  const more = stranger.crowd(21);
  await stranger.pass(1);
  await Promise.all([more, stranger.end()]);
  const after = stranger.crowd(20);
  await stranger.pass(11);
  expect(stranger.sizes()).toEqual([21, 20]);
  await Promise.all([after, stranger.end()]);

  const many = await inStep(0);
  const array = Array.from({ length: 20 }, (_, at) => at);
  for (let round = 0; round < 6; round++) {
    const one = many.add(array);
    await many.pass(1);
    await Promise.all([one, many.end()]);
  }
  const single = many.add([1]);
  await many.pass(11);
  expect(many.sizes().at(-1)).toBe(1);
  await Promise.all([single, many.end()]);
});

it("who comes after a full batch does not wait for what was expected before it", async () => {
  const { add, pass, end, sizes } = await inStep(5);
  const before = add([1]);
  await pass(1);
  const full = add(Array.from({ length: 99 }, (_, at) => at));
  await pass(1);
  const after = add([2]);
  await pass(10);
  expect(sizes()).toEqual([100, 1]);
  await Promise.all([before, full, after, end(), end()]);
});
