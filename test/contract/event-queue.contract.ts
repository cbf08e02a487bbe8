import { beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { type EventBatch, eventsOf } from "../../core/events/batch.ts";
import type { CollectedEvent } from "../../core/events/event.ts";
import type { EventQueue } from "../../core/events/ports.ts";

/** A queue of events on a backend that can be taken away. */
export interface EventQueueStage {
  open(options?: { readonly max_bytes?: number }): EventQueue;
  /** Takes the backend away, with every connection. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Makes it deaf, with its connections left standing. */
  freeze(): void;
  thaw(): void;
  /** Puts a job of another release into the queue. */
  addForeign(data: unknown): Promise<void>;
}

const until = (holds: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await holds()).toBe(true), { interval: 10, timeout: 15_000 });

let made = 0;

/** Events of this test alone: the queue has one name, and so is shared by the tests of a file. */
function someEvents(count: number): CollectedEvent[] {
  made += 1;
  const name = `run-${made}`;
  return Array.from({ length: count }, (_, at) => ({
    ...{ event_id: `${name}-${at}`, event: "purchase", user_id: `user "${at}"`, event_datetime: "2026-11-22T00:16:43.306000Z" },
    parameters: at % 2 === 0 ? null : { order_id: `o-${at}`, currency: "usd", price: at / 4 },
  }));
}

/** What every queue of events does, wherever it keeps them. */
export function eventQueueContract(createStage: () => Promise<EventQueueStage>): void {
  let stage: EventQueueStage;
  const open = (options?: { readonly max_bytes?: number }) => {
    const queue = stage.open(options);
    onTestFinished(() => queue.close());
    return queue;
  };
  const listen = async (queue: EventQueue) => {
    const got: EventBatch[] = [];
    const worker = await queue.work(async (batch) => void got.push(batch), { concurrency: 2 });
    onTestFinished(() => worker.close(0));
    return { got, ids: () => got.flatMap(({ event_id }) => event_id) };
  };
  beforeEach(async () => {
    stage = await createStage();
  });

  it("what is added is there until it is written, and comes out as it went in", async () => {
    const queue = open();
    const [event, other] = someEvents(2) as [CollectedEvent, CollectedEvent];
    await queue.add([event, other]);
    expect(await queue.holds(other.event_id)).toBe(true);
    expect(await queue.holds("nobody's")).toBe(false);
    expect(await queue.backlog()).toMatchObject({ batches: 1 });
    const { got } = await listen(queue);
    await until(() => got.length === 1);
    expect(got[0]).toEqual({
      v: 1,
      event_id: [event.event_id, other.event_id],
      event: ["purchase", "purchase"],
      user_id: ['user "0"', 'user "1"'],
      event_datetime: ["2026-11-22T00:16:43.306000Z", "2026-11-22T00:16:43.306000Z"],
      order_id: [null, "o-1"],
      currency: [null, "usd"],
      price: [null, 0.25],
    });
    await until(async () => (await queue.backlog()).batches === 0);
    expect(await queue.holds(event.event_id)).toBe(false);
    expect(queue.total()).toBe(2);
  });

  it("what many add at once goes in few batches of 500 at most, and everybody hears when theirs is in", async () => {
    const queue = open();
    const events = someEvents(1_200);
    await Promise.all(events.map((event) => queue.add([event])));
    const { got, ids } = await listen(queue);
    await until(() => ids().length === 1_200);
    expect(new Set(ids())).toEqual(new Set(events.map(({ event_id }) => event_id)));
    expect(got.length).toBeLessThan(100);
    expect(Math.max(...got.map(({ event_id }) => event_id.length))).toBeLessThanOrEqual(500);
  });

  it("a thousand of one caller are two batches, found like any other while they wait", async () => {
    const queue = open();
    const events = someEvents(1_000);
    await queue.add(events);
    expect(await queue.holds(events[700]?.event_id ?? "")).toBe(true);
    const { got, ids } = await listen(queue);
    await until(() => ids().length === 1_000);
    expect(got.map(({ event_id }) => event_id.length)).toEqual([500, 500]);
    expect(got.flatMap(eventsOf)).toEqual(expect.arrayContaining(events));
  });

  it("a batch whose handler throws comes again, as often as it takes", async () => {
    const queue = open();
    const [event] = someEvents(1) as [CollectedEvent];
    await queue.add([event]);
    let tries = 0;
    const worker = await queue.work(
      async () => {
        tries += 1;
        if (tries < 3) throw new Error("not now");
      },
      { concurrency: 1 },
    );
    onTestFinished(() => worker.close(0));
    await until(async () => tries === 3 && (await queue.backlog()).batches === 0);
  });

  it("a batch of a worker that stopped in the middle goes to another, and its handler is told to stop", async () => {
    const queue = open();
    const events = someEvents(1);
    await queue.add(events);
    let told = false;
    let began = false;
    const first = await queue.work(
      (_batch, signal) =>
        new Promise((_resolve, reject) => {
          began = true;
          signal.addEventListener("abort", () => {
            told = true;
            reject(new Error("stopped"));
          });
        }),
      { concurrency: 1 },
    );
    await until(() => began);
    await first.close(2_000);
    expect(told).toBe(true);
    const { ids } = await listen(open());
    await until(() => ids().length === 1);
  });

  it("a batch of a later release stays for its worker, and is not lost", async () => {
    const queue = open();
    const { got } = await listen(queue);
    await stage.addForeign({ v: 2, something: "else" });
    await queue.add(someEvents(1));
    await until(async () => got.length === 1 && (await queue.backlog()).batches === 1);
  });

  it("while the queue is away everybody is told within 2 s, and it takes events again when it is back", async () => {
    const queue = open();
    await queue.add(someEvents(1));
    await stage.cut();
    await expect(queue.add(someEvents(1))).rejects.toMatchObject({ code: "unavailable" });
    await stage.mend();
    const events = someEvents(1);
    await until(() =>
      queue.add(events).then(
        () => true,
        () => false,
      ),
    );
  });

  it("while the queue hangs everybody is told within 2 s, also those who come later", async () => {
    const queue = open();
    await queue.add(someEvents(1));
    stage.freeze();
    onTestFinished(() => stage.thaw());
    const began = performance.now();
    const first = queue.add(someEvents(1));
    const many = Array.from({ length: 20 }, () => queue.add(someEvents(600)));
    const told = await Promise.allSettled([first, ...many]);
    for (const answer of told) expect(answer).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
    expect(performance.now() - began).toBeLessThan(2_500);
    stage.thaw();
  });

  it("past its bound it takes nothing more until something is written", async () => {
    const queue = open({ max_bytes: 20_000 });
    let accepted = 0;
    await until(async () => {
      try {
        await queue.add(someEvents(100));
        accepted += 100;
        return false;
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: "unavailable" });
        return true;
      }
    });
    const { ids } = await listen(queue);
    await until(() => ids().length === accepted);
    const events = someEvents(1);
    await until(() =>
      queue.add(events).then(
        () => true,
        () => false,
      ),
    );
  });

  it("says when everything that was there is written", async () => {
    const queue = open();
    await queue.add(someEvents(1));
    const impatient = new AbortController();
    const never = queue.drained(impatient.signal);
    impatient.abort();
    expect(await never).toBe(false);
    await listen(queue);
    expect(await queue.drained(new AbortController().signal)).toBe(true);
  });
}
