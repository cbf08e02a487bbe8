import { expect, it, onTestFinished, vi } from "vitest";
import { createPressure } from "../../clients/bullmq/pressure.ts";
import type { Backlog } from "../../clients/bullmq/store.ts";
import { createMemoryLog } from "../support/memory-log.ts";

/** Time that passes when the test says so, and a backlog that is what it says. */
function stage() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const backlog: { -readonly [name in keyof Backlog]: Backlog[name] } = { jobs: 0, oldest_at: null, bytes: 0, fullness: 0 };
  let looks = 0;
  const log = createMemoryLog();
  const pressure = createPressure({
    log,
    max_bytes: 1_000,
    backlog: async () => {
      looks += 1;
      return { ...backlog };
    },
  });
  /** How long a batch is held back now, in milliseconds. */
  const held = async () => {
    let passed = false;
    const done = pressure.pass().then(() => {
      passed = true;
    });
    let ms = 0;
    for (await Promise.resolve(); !passed; ms++) await vi.advanceTimersByTimeAsync(1);
    await done;
    return Math.max(0, ms - 1);
  };
  const look = async () => {
    await vi.advanceTimersByTimeAsync(250);
    void pressure.pass().catch(() => undefined);
    await vi.advanceTimersByTimeAsync(100);
  };
  return { backlog, pressure, held, look, looks: () => looks, said: () => log.lines.map(({ message }) => message) };
}

it("holds nobody back while the writer keeps up, and looks four times a second at most", async () => {
  const { backlog, pressure, look, held, looks } = stage();
  backlog.jobs = 10;
  await look();
  for (let at = 0; at < 100; at++) await pressure.pass();
  expect(looks()).toBe(1);
  expect(await held()).toBe(0);
});

it("holds back the more the longer the backlog is, and not for longer than half of what an answer may take", async () => {
  const { backlog, look, held } = stage();
  backlog.jobs = 26;
  await look();
  const some = await held();
  backlog.jobs = 1_000;
  await look();
  const most = await held();
  expect(some).toBeGreaterThan(0);
  expect(most).toBeGreaterThan(some);
  expect(most).toBeLessThan(100);
});

it("refuses while as many bytes wait as may, and while Redis is nearly full, and says so once", async () => {
  const { backlog, pressure, look, said } = stage();
  backlog.bytes = 1_001;
  await look();
  await expect(pressure.pass()).rejects.toMatchObject({ code: "unavailable", retry_after_ms: expect.any(Number) });
  Object.assign(backlog, { bytes: 0, fullness: 0.9 });
  await look();
  await expect(pressure.pass()).rejects.toMatchObject({ code: "unavailable" });
  expect(pressure.full()).toBe("Redis is 90 % full (maxmemory)");
  backlog.fullness = 0;
  await look();
  await pressure.pass();
  expect(said()).toEqual(["events are refused: their queue is full", "events are taken again"]);
});
