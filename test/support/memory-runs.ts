import { tooManyRuns } from "../../core/policy/limit.ts";
import type { RunFilter } from "../../core/ports.ts";
import { type ListedRun, type NewRun, type RunView, wordsOf } from "../../core/run.ts";
import { type ClaimedRun, type Job, jobId, type RunClaim, type RunStopper, type RunStore } from "../../core/stores.ts";
import type { TestClock } from "./clock.ts";
import type { MemoryDeliveries } from "./memory-deliveries.ts";

/** A run, and what only the store knows of it. */
interface Row {
  run: RunView;
  readonly stored: NewRun;
  claimed: boolean;
  takeovers: number;
  generation: number;
  due_at: number;
  cancelled_by: string | null;
}

/** Runs in memory, by the same rules as those in PostgreSQL. `takeOver` takes every claim for a dead process's. */
export function createMemoryRuns(clock: TestClock, deliveries: Pick<MemoryDeliveries, "insert" | "replace" | "fate">): RunStore {
  const rows = new Map<string, Row>();
  const now = () => clock.now().toISOString();
  const mine = ({ run_id, generation }: RunClaim): Row | null => {
    const row = rows.get(run_id);
    return row?.claimed && row.generation === generation && row.run.status === "running" ? row : null;
  };
  return {
    ...createMemoryStopper(rows, now, deliveries),
    get: async (run_id) => structuredClone(rows.get(run_id)?.run ?? null),
    list: async (filter) => listRuns([...rows.values()], filter).map(({ output: _, ...run }) => structuredClone(run)),
    listWithOutputs: async (filter) => listRuns([...rows.values()], filter).map(toListed),
    async insert(stored, { delivery, claim, open_max = Number.POSITIVE_INFINITY }) {
      const found = rows.get(stored.run_id) ?? openOf([...rows.values()], stored.dedupe_key);
      if (found) return { run: structuredClone(found.run), fresh: false, claim: null, jobs: [] };
      const open = [...rows.values()].filter(({ run }) => run.person_id === stored.person_id && run.finished_at === null);
      if (open.length >= open_max) throw tooManyRuns(stored, open_max);
      const run = { ...toView(stored), created_at: now(), ...(claim && { status: "running" as const, attempts: 1, started_at: now() }) };
      rows.set(stored.run_id, { run, stored, claimed: claim, takeovers: 0, generation: 0, due_at: clock.ms(), cancelled_by: null });
      const held = claim ? { run_id: stored.run_id, claimed_by: 1, generation: 0 } : null;
      return { run: structuredClone(run), fresh: true, claim: held, jobs: delivery ? await deliveries.insert(delivery) : [] };
    },
    async claim(run_id, early = false) {
      const row = rows.get(run_id);
      if (row?.run.status !== "accepted" || (row.due_at > clock.ms() && !early)) return null;
      row.claimed = true;
      row.run = { ...row.run, status: "running", attempts: row.run.attempts + 1, started_at: row.run.started_at ?? now() };
      return toClaimed(row);
    },
    async finish(claim, { status, output, error, reply }) {
      const row = mine(claim);
      if (!row) return null;
      row.claimed = false;
      // As a database would keep it.
      row.run = { ...row.run, status, output: JSON.parse(JSON.stringify(output ?? null)), error, finished_at: now() };
      return deliveries.replace(claim.run_id, JSON.parse(JSON.stringify(reply)));
    },
    async postpone(claim, delay_ms, counted = true) {
      const row = mine(claim);
      if (row && !counted) Object.assign(row, { run: { ...row.run, attempts: row.run.attempts - 1 } });
      return reopen(row, clock.ms() + delay_ms, delay_ms);
    },
    letGo: () => undefined,
    async takeOver() {
      const dead = [...rows.values()].filter(({ claimed }) => claimed);
      // The try that died is not counted.
      for (const row of dead) Object.assign(row, { takeovers: row.takeovers + 1, run: { ...row.run, attempts: row.run.attempts - 1 } });
      return dead.flatMap((row) => reopen(row, clock.ms(), 0) ?? []);
    },
    due: async (limit) =>
      open([...rows.values()])
        .slice(0, limit)
        .map(jobOf),
    requeue: async (ids) =>
      open(ids.flatMap((id) => rows.get(id) ?? [])).map((row) => {
        row.generation++;
        return jobOf(row);
      }),
  };
}

const openOf = (rows: readonly Row[], dedupe_key: string | undefined) =>
  rows.find(({ run, stored }) => dedupe_key !== undefined && stored.dedupe_key === dedupe_key && run.finished_at === null);

const open = (rows: readonly Row[]) => rows.filter(({ run }) => run.status === "accepted");

function jobOf({ run, generation }: Row): Job {
  return { id: run.run_id, job_id: jobId(run.run_id, generation), delay_ms: 0 };
}

function reopen(row: Row | null, due_at: number, delay_ms: number): Job | null {
  if (!row) return null;
  Object.assign(row, { claimed: false, due_at, generation: row.generation + 1, run: { ...row.run, status: "accepted" } });
  return { ...jobOf(row), delay_ms };
}

function toView({ run_id, command, input, person_id, identity }: NewRun): RunView {
  const open = { status: "accepted", attempts: 0, started_at: null, finished_at: null, output: null, error: null } as const;
  return { run_id, command, input: structuredClone(input), person_id, identity, created_at: "", ...open };
}

function createMemoryStopper(
  rows: ReadonlyMap<string, Row>,
  now: () => string,
  deliveries: Pick<MemoryDeliveries, "replace" | "fate">,
): RunStopper {
  return {
    async stop(run_id, by, { untouched, begun }) {
      const row = rows.get(run_id);
      if (!row || row.run.finished_at !== null) return null;
      row.cancelled_by ??= by;
      if (row.run.status !== "accepted") return { run: structuredClone(row.run), jobs: [] };
      const words = await deliveries.fate.withdraw(wordsOf(run_id).delivery_id);
      const { status, error, reply } = row.run.started_at === null || words?.status === "withdrawn" ? untouched : begun;
      row.run = { ...row.run, status, error, finished_at: now() };
      return { run: structuredClone(row.run), jobs: deliveries.replace(run_id, reply) };
    },
    async stopping(run_ids) {
      const wished = run_ids.map((run_id) => [run_id, rows.get(run_id)?.cancelled_by ?? null] as const);
      return new Map(wished.flatMap(([run_id, by]) => (by === null ? [] : [[run_id, by] as const])));
    },
    stoppedBy: async (run_id) => rows.get(run_id)?.cancelled_by ?? null,
  };
}

function toClaimed({ run, stored, takeovers, generation, cancelled_by }: Row): ClaimedRun {
  const { request_id, locale, zone } = stored;
  return structuredClone({ ...run, request_id, locale, zone, takeovers, claimed_by: 1, generation, cancelled_by });
}

/** In PostgreSQL it is the size as it is stored. */
const LISTED_CHARS = 16_384;

function toListed(run: RunView): ListedRun {
  const output_left_out = (JSON.stringify(run.output) ?? "").length > LISTED_CHARS;
  return structuredClone({ ...run, output: output_left_out ? null : run.output, output_left_out });
}

function listRuns(rows: readonly Row[], { person_id, identity, status, command, before, limit }: RunFilter): RunView[] {
  const order = (run: { created_at: string; run_id: string }) => `${run.created_at} ${run.run_id}`;
  return rows
    .map(({ run }) => run)
    .filter((run) => !before || order(run) < order(before))
    .filter((run) => run.person_id === (person_id ?? run.person_id) && run.identity === (identity ?? run.identity))
    .filter((run) => run.status === (status ?? run.status) && run.command === (command ?? run.command))
    .sort((a, b) => order(b).localeCompare(order(a)))
    .slice(0, limit);
}
