import { describe, expect, it, vi } from "vitest";
import { createDeliveryFate } from "../../clients/postgres/outbox.ts";
import type { CommandPorts } from "../../core/ports.ts";
import { createRegistry } from "../../core/registry.ts";
import { wordsOf } from "../../core/run.ts";
import type { AuditEntry, RunStore } from "../../core/stores.ts";
import { createRunControl } from "../../jobs/run-control.ts";
import { createRunWorker } from "../../jobs/run-worker.ts";
import { breakable } from "../support/breakable.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { aDelivery, aRun, saying } from "../support/rows.ts";
import { openProcess } from "../support/stores.ts";
import { testCommand, testTexts } from "../support/test-commands.ts";

const postgres = usePostgres();
const nothing = async () => {};
const ANN = { person_id: "p1", name: "Ann", role: "operator", locale: null, zone: null } as const;

/** Two processes on one database: a worker whose command waits until it is told to stop, and one where somebody stops runs. */
async function open() {
  const database = await postgres.database();
  const [worker, other] = [await openProcess(database), await openProcess(database)];
  const runs = breakable<RunStore>(worker.runs);
  const begun: string[] = [];
  const lines: AuditEntry[] = [];
  const echo = testCommand({
    ...{ execution: { mode: "queued", timeout_ms: 30_000, attempts: 3 }, effect: "write" },
    handle: (_words, { run_id, signal }) => {
      begun.push(run_id);
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve({ said: "as far as it goes" })));
    },
  });
  const registry = createRegistry([echo], testTexts());
  const outbox = breakable(createDeliveryFate(worker.pool));
  const work = createRunWorker({
    ...{
      runs,
      registry,
      log: createMemoryLog(),
      ports: { outbox } as unknown as CommandPorts,
      stopping: new AbortController().signal,
      look_every_ms: 5,
    },
    ...{ enqueueRuns: nothing, enqueueDeliveries: nothing, identify: async () => ANN },
    audit: { append: async (entry) => void lines.push(entry) },
  });
  const control = createRunControl({ runs: other.runs, registry, enqueueDeliveries: nothing });
  const accept = async (run_id: string) => {
    const delivery = aDelivery(`d-${run_id}`, { run_id, reply: saying("running"), delay_ms: 300 });
    await other.runs.insert(aRun(run_id, { command: "echo", input: { words: "hello" } }), { delivery, claim: false });
  };
  return { database, other, runs, work, control, accept, begun, lines, outbox };
}

describe("a run that is stopped in another process", () => {
  it("ends soon, with what its handler had by then, in its chat too and in the audit", async () => {
    const { other, work, control, accept, begun, lines } = await open();
    await accept("r1");
    const working = work("r1");
    await vi.waitFor(() => expect(begun).toEqual(["r1"]));
    expect(await control.cancel("r1", "telegram:9")).toMatchObject({ state: "stopping" });
    await working;
    expect(await other.runs.get("r1")).toMatchObject({ status: "cancelled", output: { said: "as far as it goes" } });
    const [said] = await other.rows<{ reply: object }>("SELECT reply FROM deliveries");
    expect(said?.reply).toMatchObject({ title: { key: "run.cancelled_by", params: { command: "echo", by: "telegram:9" } } });
    expect(lines).toMatchObject([{ action: "run", outcome: "cancelled", run_id: "r1" }]);
    expect(await control.cancel("r1", "telegram:9")).toMatchObject({ state: "cancelled" });
    expect(await control.cancel("r1", "telegram:10")).toMatchObject({ state: "ended" });
    expect(await control.cancel("r404", "telegram:10")).toBeNull();
  });

  it("alone: the others go on", async () => {
    const { other, work, control, accept, begun } = await open();
    await Promise.all(["r1", "r2"].map(accept));
    const first = work("r1");
    const second = work("r2");
    await vi.waitFor(() => expect(begun).toHaveLength(2));
    await control.cancel("r2", "telegram:9");
    await second;
    expect([await other.runs.get("r1"), await other.runs.get("r2")]).toMatchObject([{ status: "running" }, { status: "cancelled" }]);
    await control.cancel("r1", "telegram:9");
    await first;
  });

  it("though the wish could not be read at first", async () => {
    const { other, runs, work, control, accept, begun } = await open();
    runs.breaks("stopping", { times: 3 });
    await accept("r1");
    const working = work("r1");
    await vi.waitFor(() => expect(begun).toEqual(["r1"]));
    await control.cancel("r1", "telegram:9");
    await working;
    expect(await other.runs.get("r1")).toMatchObject({ status: "cancelled" });
    const looks = runs.calls("stopping");
    expect(looks).toBeGreaterThan(3);
  });

  it("and whose worker died does not begin again", async () => {
    const { database, other, work, control, accept, begun } = await open();
    const dying = await openProcess(database);
    await accept("r1");
    await dying.runs.claim("r1");
    await control.cancel("r1", "telegram:9");
    await dying.die();
    await other.runs.takeOver();
    await work("r1");
    expect(begun).toEqual([]);
    expect(await other.runs.get("r1")).toMatchObject({ status: "unknown", error: { code: "outcome_unknown" } });
  });

  it("and whose worker died has its words to somebody else taken back", async () => {
    const { database, other, work, control, accept } = await open();
    const dying = await openProcess(database);
    await accept("r1");
    await dying.runs.claim("r1");
    await dying.deliveries.insert(aDelivery(wordsOf("r1").delivery_id));
    await control.cancel("r1", "telegram:9");
    await dying.die();
    await other.runs.takeOver();
    await work("r1");
    expect(await other.runs.get("r1")).toMatchObject({ status: "cancelled" });
    expect(await other.rows("SELECT status FROM deliveries WHERE run_id IS NULL")).toEqual([{ status: "cancelled" }]);
  });

  it("and whose worker died has its words taken back though the database is away at first, on its last try too", async () => {
    const { database, other, work, control, accept, outbox } = await open();
    const dying = await openProcess(database);
    await accept("r1");
    await dying.runs.claim("r1");
    await dying.deliveries.insert(aDelivery(wordsOf("r1").delivery_id));
    await control.cancel("r1", "telegram:9");
    await dying.die();
    await other.runs.takeOver();
    await other.rows("UPDATE runs SET attempts = 2");
    outbox.breaks("withdraw", { times: 2 });
    await work("r1");
    expect(await other.runs.get("r1")).toMatchObject({ status: "cancelled" });
    expect(await other.rows("SELECT status FROM deliveries WHERE run_id IS NULL")).toEqual([{ status: "cancelled" }]);
  });
});
