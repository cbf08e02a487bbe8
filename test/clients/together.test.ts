import { expect, it, onTestFinished, vi } from "vitest";
import { createTogether } from "../../clients/bullmq/together.ts";
import { eventsOf, toBatch } from "../../core/events/batch.ts";
import { anEvent } from "../contract/events.contract.ts";

const LINGER_MS = 8;

/** Batches, each with a name's events, whose statements end when the test says so; of 5 events at most, and 4 are written alone. */
function stage(slots: number, isBusy = true) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const statements: (readonly string[])[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const write = createTogether({
    ...{ max: 5, alone: 4, isBusy: () => isBusy },
    slots: () => slots,
    linger_ms: LINGER_MS,
    write: (batch) => {
      statements.push(eventsOf(batch).map(({ event_id }) => event_id));
      return new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())));
    },
  });
  return { statements, ends, write: (...ids: string[]) => write(toBatch(ids.map((id) => anEvent(id)))) };
}

it("batches that come one after the other are one statement, and each hears of it", async () => {
  const { write, statements, ends } = stage(3);
  const both = Promise.all([write("a", "b"), write("c")]);
  await vi.advanceTimersByTimeAsync(LINGER_MS);
  expect(statements).toEqual([["a", "b", "c"]]);
  ends[0]?.();
  await both;
});

it("one is written at once where nobody else can come: alone, with all, or with all others being written", async () => {
  const alone = stage(1);
  void alone.write("a");
  expect(alone.statements).toEqual([["a"]]);
  const { write, statements } = stage(2);
  void write("a");
  void write("b");
  expect(statements).toEqual([["a", "b"]]);
  void write("c");
  expect(statements).toEqual([["a", "b"], ["c"]]);
});

it("nothing is waited for where none is to be expected", () => {
  const { write, statements } = stage(3, false);
  void write("a");
  expect(statements).toEqual([["a"]]);
});

it("a large one is written at once by itself, and those that wait with it where nobody else can come", () => {
  const { write, statements } = stage(2);
  void write("a");
  void write("b", "c", "d", "e");
  expect(statements).toEqual([["b", "c", "d", "e"], ["a"]]);
});

it("a statement has no more events than may be", () => {
  const { write, statements } = stage(3);
  void write("a", "b", "c");
  void write("d", "e", "f");
  expect(statements).toEqual([["a", "b", "c"]]);
});

it("a failure is told to all of a statement, and the next one begins anew", async () => {
  const { write, statements, ends } = stage(2);
  const told = Promise.all([write("a"), write("b")].map((one) => expect(one).rejects.toThrow("no disk")));
  ends[0]?.(new Error("no disk"));
  await told;
  const again = Promise.all([write("a"), write("b")]);
  ends[1]?.();
  await again;
  expect(statements).toHaveLength(2);
});

it("one that throws at once is a failure like any other", async () => {
  const write = createTogether({
    ...{ max: 5, alone: 4, linger_ms: LINGER_MS, slots: () => 2, isBusy: () => true },
    write: () => {
      throw new Error("no memory");
    },
  });
  const both = [write(toBatch([anEvent("a")])), write(toBatch([anEvent("b")]))];
  for (const one of both) await expect(one).rejects.toThrow("no memory");
});
