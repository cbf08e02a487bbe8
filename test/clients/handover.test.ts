import { expect, it, onTestFinished, vi } from "vitest";
import { createHandover } from "../../clients/bullmq/handover.ts";

const WITHIN_MS = 20;

/** A worker of so many slots whose jobs are done when the test says so. */
function stage(slots = 1) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const handover = createHandover({ slots: () => slots, within_ms: WITHIN_MS });
  const ended: string[] = [];
  /** A job that is done; it is noted when it ends. */
  const done = (name: string, may_wait = true) => {
    handover.began();
    void handover.next(may_wait).then(() => {
      handover.ended();
      ended.push(name);
    });
  };
  const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  /** Two jobs are queued, soon one after the other, while all slots have work. */
  const busy = async () => {
    handover.queued();
    await passes(5);
    handover.queued();
  };
  return { handover, ended, done, passes, busy };
}

it("a job ends at once where no other came lately", async () => {
  const { handover, ended, done, passes } = stage();
  handover.queued();
  done("first");
  await passes(0);
  expect(ended).toEqual(["first"]);
});

it("where they come one after the other it ends when the next one is there, and one next for one end", async () => {
  const { handover, ended, done, passes, busy } = stage(2);
  await busy();
  done("first");
  done("second");
  await passes(5);
  expect(ended).toEqual([]);
  handover.queued();
  await passes(0);
  expect(ended).toEqual(["first"]);
  handover.began();
  handover.queued();
  await passes(0);
  expect(ended).toEqual(["first", "second"]);
});

it("one that was queued while it was being worked on is waited for no longer", async () => {
  const { handover, ended, done, passes, busy } = stage();
  await busy();
  handover.began();
  handover.queued();
  handover.ended();
  done("second");
  await passes(0);
  expect(ended).toEqual(["second"]);
});

it("what is queued while a slot is free goes to that one", async () => {
  const { handover, ended, done, passes, busy } = stage(2);
  await busy();
  handover.began();
  handover.ended();
  done("first");
  handover.queued();
  await passes(WITHIN_MS - 1);
  expect(ended).toEqual([]);
});

it("it waits for a moment only, also when nothing comes any more", async () => {
  const { ended, done, passes, busy } = stage();
  await busy();
  done("last");
  await passes(WITHIN_MS);
  expect(ended).toEqual(["last"]);
});

it("it does not wait where it may not: there are more in the queue, also of other processes", async () => {
  const { ended, done, passes, busy } = stage();
  await busy();
  done("one of many", false);
  await passes(0);
  expect(ended).toEqual(["one of many"]);
});

it("two that were queued before a free slot began with the first are two", async () => {
  const { handover, ended, done, passes } = stage();
  handover.queued();
  handover.queued();
  done("first");
  await passes(0);
  expect(ended).toEqual(["first"]);
});

it("all that are done end when somebody asks what is left", async () => {
  const { handover, ended, done, passes, busy } = stage(2);
  await busy();
  done("first");
  done("second");
  await passes(5);
  handover.release();
  await passes(0);
  expect(ended).toEqual(["first", "second"]);
});

it("nor where none came for as long", async () => {
  const { ended, done, passes, busy } = stage();
  await busy();
  await passes(WITHIN_MS + 1);
  done("last");
  await passes(0);
  expect(ended).toEqual(["last"]);
});

it("when the queue had none to give nothing is expected of it any more", async () => {
  const { handover, ended, done, passes, busy } = stage();
  await busy();
  done("first");
  handover.queued();
  await passes(0);
  handover.drained();
  handover.queued();
  done("second");
  await passes(0);
  expect(ended).toEqual(["first"]);
  handover.queued();
  await passes(0);
  expect(ended).toEqual(["first", "second"]);
});
