import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Queue, QueueWorker } from "../../core/ports.ts";
import type { KeptLog } from "./queue-support.ts";

/** A backend with queues on it, which can be taken away and given back. */
export interface QueueStage {
  readonly log: KeptLog;
  /** Opens a queue; jobs of a dead worker are noticed within about 2 s. */
  open(name: string): Queue;
  cut(): Promise<void>;
  mend(): Promise<void>;
  freeze(): void;
  thaw(): void;
  end(): Promise<void>;
}

const WAIT = { timeout: 20_000, interval: 20 };

/** What the port Queue promises, whatever holds the jobs. */
export function queueContract(setUp: () => Promise<QueueStage>): void {
  let stage: QueueStage;
  let queue: Queue;
  let done: string[];
  let workers: QueueWorker[];
  let number = 0;
  const work = async (handler: (id: string) => Promise<void> = async (id) => void done.push(id), concurrency = 1) => {
    const worker = await queue.work(handler, { concurrency });
    workers.push(worker);
    return worker;
  };
  const comesTo = (check: () => unknown) => vi.waitFor(check, WAIT);
  const jobs = (...ids: string[]) => ids.map((id) => ({ job_id: `${id}-0`, id }));
  const never = () => new Promise<void>(() => undefined);

  beforeEach(async () => {
    stage = await setUp();
    queue = stage.open(`work${number++}`);
    done = [];
    workers = [];
  });
  afterEach(async () => {
    stage.thaw();
    await Promise.all(workers.map((worker) => worker.close(0)));
    await queue.close();
    await stage.end();
  });

  it("carries many jobs from one process to another, in order", async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `r${index}`);
    await queue.add(jobs(...ids));
    await work();
    await comesTo(() => expect(done).toEqual(ids));
  });

  it("wakes an idle worker", async () => {
    await work();
    await queue.add(jobs("a"));
    await comesTo(() => expect(done).toEqual(["a"]));
    await queue.add(jobs("b"));
    await comesTo(() => expect(done).toEqual(["a", "b"]));
  });

  it("adds a job id once, even when the first is finished", async () => {
    await queue.add([...jobs("a"), ...jobs("a")]);
    await work();
    await comesTo(() => expect(done).toEqual(["a"]));
    await queue.add([...jobs("a"), ...jobs("last")]);
    await comesTo(() => expect(done).toEqual(["a", "last"]));
  });

  it.each([["run:1"], ["17"], [""]])("refuses the job id %j, which BullMQ cannot hold", async (job_id) => {
    await expect(queue.add([...jobs("a"), { job_id, id: "b" }])).rejects.toThrow(RangeError);
    expect(await queue.waiting(["a-0"])).toEqual(new Set());
  });

  it("takes nothing when nothing is given", async () => {
    await queue.add([]);
    expect(await queue.waiting([])).toEqual(new Set());
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  });

  it("prefers jobs without a priority, then small numbers", async () => {
    await queue.add([
      { job_id: "c-0", id: "c", priority: 20 },
      { job_id: "b-0", id: "b", priority: 10 },
      { job_id: "a-0", id: "a" },
    ]);
    await work();
    await comesTo(() => expect(done).toEqual(["a", "b", "c"]));
  });

  it("holds a delayed job back", async () => {
    await work();
    const added_at = Date.now();
    await queue.add([{ job_id: "late-0", id: "late", delay_ms: 400 }, ...jobs("now")]);
    await comesTo(() => expect(done).toEqual(["now", "late"]));
    expect(Date.now() - added_at).toBeGreaterThanOrEqual(390);
  });

  it("knows which jobs wait (not those that began), and counts them", async () => {
    await queue.add([...jobs("runs", "fails"), { job_id: "ends-0", id: "ends" }]);
    await work((id) => (id === "runs" ? never() : id === "fails" ? Promise.reject(new Error("no luck")) : Promise.resolve()), 3);
    await comesTo(async () => expect((await queue.counts()).failed).toBe(1));
    await queue.add([
      { job_id: "delayed-0", id: "delayed", delay_ms: 60_000 },
      { job_id: "delayed-1", id: "delayed", delay_ms: 60_000, priority: 3 },
    ]);
    const all = ["runs-0", "fails-0", "ends-0", "delayed-0", "delayed-1", "nobody-0"];
    await comesTo(async () => expect(await queue.waiting(all)).toEqual(new Set(["delayed-0", "delayed-1"])));
    expect(await queue.counts()).toEqual({ waiting: 0, active: 1, delayed: 2, failed: 1 });
  });

  it("counts waiting jobs of any priority as waiting", async () => {
    await queue.add([...jobs("plain"), { job_id: "low-0", id: "low", priority: 5 }]);
    expect(await queue.waiting(["plain-0", "low-0"])).toEqual(new Set(["plain-0", "low-0"]));
    expect((await queue.counts()).waiting).toBe(2);
  });

  it("waits for jobs at work when a worker closes", async () => {
    let finish: (() => void) | undefined;
    const worker = await work(async (id) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      done.push(id);
    });
    await queue.add(jobs("a", "b"));
    await comesTo(() => expect(finish).toBeDefined());
    const closing = worker.close(20_000);
    finish?.();
    await closing;
    expect(done).toEqual(["a"]);
    expect(await queue.waiting(["a-0", "b-0"])).toEqual(new Set(["b-0"]));
  });

  it("gives the job of a dead worker to another, however many died of it", async () => {
    await queue.add(jobs("a"));
    for (let deaths = 1; deaths <= 3; deaths++) {
      let taken = false;
      const worker = await work(() => {
        taken = true;
        return never();
      });
      await comesTo(() => expect(taken).toBe(true));
      await worker.close(0);
    }
    await work();
    await comesTo(() => expect(done).toEqual(["a"]));
    expect((await queue.counts()).failed).toBe(0);
  });

  it("refuses within 2 s while the store is away, and works again when it is back", async () => {
    await work();
    await queue.add(jobs("before"));
    await comesTo(() => expect(done).toEqual(["before"]));
    await stage.cut();
    // One after another: a rejection that nobody waits for yet would count as unhandled.
    for (const ask of [() => queue.add(jobs("lost")), () => queue.waiting(["lost-0"]), () => queue.counts()]) {
      await expect(ask()).rejects.toMatchObject({ code: "unavailable" });
    }
    const worker_lines = () => stage.log.lines.filter(({ message }) => /^the worker/.test(message)).map(({ level }) => level);
    await comesTo(() => expect(worker_lines()).toEqual(["warn"]));
    await stage.mend();
    await comesTo(() => queue.add(jobs("after")));
    await comesTo(() => expect(done).toContain("after"));
    await comesTo(() => expect(worker_lines()).toEqual(["warn", "info"]));
  });

  it("refuses while the store is deaf, and works again afterwards", async () => {
    await queue.add(jobs("before"));
    stage.freeze();
    await expect(queue.add(jobs("maybe"))).rejects.toMatchObject({ code: "unavailable" });
    stage.thaw();
    await comesTo(() => queue.add(jobs("after")));
    expect(await queue.waiting(["before-0", "after-0"])).toEqual(new Set(["before-0", "after-0"]));
  });

  it("can be opened while the store is away", async () => {
    await stage.cut();
    const early = stage.open(`early${number++}`);
    await expect(early.add(jobs("a"))).rejects.toMatchObject({ code: "unavailable" });
    await expect(early.work(async () => undefined, { concurrency: 1 })).rejects.toMatchObject({ code: "unavailable" });
    await stage.mend();
    await comesTo(() => early.add(jobs("b")));
    expect(await early.waiting(["b-0"])).toEqual(new Set(["b-0"]));
    await early.close();
  });
}
