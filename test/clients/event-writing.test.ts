import { expect, it, onTestFinished, vi } from "vitest";
import { createWriting } from "../../clients/bullmq/event-writing.ts";
import { eventsOf, toBatch } from "../../core/events/batch.ts";
import { anEvent } from "../contract/events.contract.ts";

const batchOf = (...ids: string[]) => toBatch(ids.map((id) => anEvent(id)));
const many = (count: number) => batchOf(...Array.from({ length: count }, (_, at) => `${at}`));

const OOM = new Error("OOM command not allowed when used memory > 'maxmemory'.");

/** Writing whose statements end when the test says so. */
function stage() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const written: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const slots: number[] = [];
  const { onOpen, ...writing } = createWriting({
    pressure: { look: async () => {}, full: () => null },
    most: 3,
    write: (batch) => {
      written.push(eventsOf(batch).map(({ event_id }) => event_id));
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  onOpen((at_once) => slots.push(at_once));
  const turn = () => vi.advanceTimersByTimeAsync(1);
  return { ...writing, written, ends, slots, turn };
}

it("a large batch asks for as many at once as may be, and Redis at its limit for no more than are in hand", async () => {
  const { handler, onError, ends, slots, turn } = stage();
  const both = Promise.all([handler(many(200), Date.now()), handler(many(200), Date.now())]);
  await turn();
  expect(slots).toEqual([3]);
  expect(onError(OOM)).toBe(true);
  expect(slots).toEqual([3, 2]);
  for (const end of ends) end();
  await both;
});

it("Redis at its limit is no reason to rest while a batch may still be given the next one", async () => {
  const { handler, onError, ends, turn } = stage();
  expect(onError(OOM)).toBe(false);
  const writing = handler(batchOf("a"), Date.now());
  await turn();
  ends[0]?.();
  await writing;
  expect(onError(OOM)).toBe(true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(onError(OOM)).toBe(false);
});

it("one that is written ends with the next one that is queued, or when somebody asks what is left", async () => {
  const { handler, queued, release, ends, written, turn } = stage();
  const over: string[] = [];
  queued();
  queued();
  const one = async (name: string) => {
    const job = handler(batchOf(name), Date.now()).then(() => void over.push(name));
    await turn();
    ends.at(-1)?.();
    await turn();
    return job;
  };
  // Another one waits: it ends at once.
  await one("a");
  const second = one("b");
  await turn();
  await turn();
  expect(written).toEqual([["a"], ["b"]]);
  expect(over).toEqual(["a"]);
  queued();
  await second;
  const third = one("c");
  await turn();
  await turn();
  release();
  await third;
  expect(over).toEqual(["a", "b", "c"]);
});

it("what this release cannot read stays in the queue, and the next one is written", async () => {
  const { handler, ends, written, turn } = stage();
  await expect(handler({ v: 2 }, Date.now())).rejects.toThrow("stays in the queue");
  const next = handler(batchOf("a"), Date.now());
  await turn();
  ends[0]?.();
  await next;
  expect(written).toEqual([["a"]]);
});
