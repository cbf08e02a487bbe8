import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CpuTimes, cpuPerEach, readCpuTimes } from "./cpu.ts";
import { type Backend, type IngestDesk, startIngestDesk, untilStored } from "./ingest-desk.ts";
import { benchEvents } from "./ingest-events.ts";
import { measureLatency, type SteadyResult } from "./ingest-latency.ts";
import { drive } from "./ingest-load.ts";
import { measureMemory } from "./ingest-memory.ts";
import { insertRaw } from "./ingest-raw.ts";
import { measureSearch } from "./ingest-search.ts";
import { measureSingle } from "./ingest-single.ts";
import { quantile, residentMb, round } from "./numbers.ts";
import { profiling, readProfile } from "./profile.ts";

const SECONDS = 30;
/** What is measured and its limit take turns, so that what else the machine does meets both alike; the median of the turns counts. */
const ROUNDS = 3;
const WARM_UP_S = 3;
const CONNECTIONS = 64;
const ARRAY = 500;
/** Clients that send arrays, and connections of the raw inserts: as many as batches are written at once. */
const ARRAY_CONNECTIONS = 4;
const RAW_CONNECTIONS = 3;
/** Of what is reached at most, for the time until an event is found. */
const STEADY = 0.8;
const MEMORY_EVERY_MS = 500;

type Numbers = Readonly<Record<string, unknown>>;

/**
 * Taking events: single ones beside the same route of Fastify that answers at once, arrays beside raw inserts into the same table, each for 30 s in the
 * same run; until all that was acknowledged is stored. How soon they are found, and how long a search takes among many.
 * @param only `redis` or `embedded`, and `single`, `arrays`, `search`, `memory` or `profile`; by default all but the last two
 */
export async function benchIngest(only: readonly string[]): Promise<object> {
  const wants = (part: string, of: readonly string[]) => only.includes(part) || !of.some((name) => only.includes(name));
  const backends = (["redis", "embedded"] as const).filter((backend) => wants(backend, ["redis", "embedded"]));
  const parts = ["single", "arrays", "search", "memory", "profile"];
  const measured: Record<string, Numbers> = {};
  for (const backend of backends) {
    const single = wants("single", parts)
      ? { single: await on(backend, (desk) => measureSingle(desk, { seconds: SECONDS, connections: CONNECTIONS, watchMemory, say })) }
      : {};
    const arrays = wants("arrays", parts) ? { arrays: await on(backend, measureArrays) } : {};
    const memory = only.includes("memory") ? { memory: await on(backend, (desk) => measureMemory(desk, say)) } : {};
    const profile = only.includes("profile") ? { profile: await profileOf(backend) } : {};
    const search = wants("search", parts) ? { search: await on(backend, (desk) => measureSearch(desk, say)) } : {};
    measured[backend] = { ...single, ...arrays, ...memory, ...profile, ...search };
  }
  const main = (Object.values(measured)[0]?.["single"] ?? {}) as { ours?: number; limit?: number; ratio?: number };
  return {
    bench: "ingest",
    ours: main.ours,
    limit: main.limit,
    ratio: main.ratio,
    unit: "single events acknowledged a second",
    ...measured,
  };
}

async function on<T>(backend: Backend, work: (desk: IngestDesk) => Promise<T>): Promise<T> {
  const desk = await startIngestDesk(backend);
  try {
    say(`on ${backend}`);
    return await work(desk);
  } finally {
    await desk.end();
  }
}

/** Where the server's main thread spends its time while single events come; the profile itself slows it down by a fifth. */
async function profileOf(backend: Backend): Promise<Numbers> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-profile-"));
  const desk = await startIngestDesk(backend, profiling(folder));
  try {
    const events = benchEvents();
    const body = () => JSON.stringify(events(1)[0]);
    await drive({ url: desk.url, headers: desk.headers, connections: CONNECTIONS, seconds: SECONDS, body });
    process.kill(desk.pid, "SIGTERM");
    return await readProfile(folder);
  } finally {
    await desk.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** For the impatient: standard output has the result alone. */
function say(line: string): void {
  console.error(line);
}

async function measureArrays(desk: IngestDesk): Promise<Numbers> {
  const events = benchEvents();
  const body = () => JSON.stringify(events(ARRAY));
  const load = { url: desk.url, headers: desk.headers, connections: ARRAY_CONNECTIONS, body };
  const raw = { connections: RAW_CONNECTIONS, size: ARRAY };
  const reached: number[] = [];
  const limits: number[] = [];
  const p99s: number[] = [];
  const steady: SteadyResult[] = [];
  const memory = watchMemory(desk.pid);
  let refused = 0;
  let longest_backlog = 0;
  let cpu: CpuTimes = {};
  await drive({ ...load, seconds: WARM_UP_S });
  for (let round_of = 0; round_of < ROUNDS; round_of++) {
    // The index grows with the table, so each begins with an empty one.
    await emptied(desk);
    limits.push(await insertRaw(desk.pool, { ...raw, seconds: SECONDS / ROUNDS }));
    await emptied(desk);
    const began = performance.now();
    const backlog = watchBacklog(desk);
    const before = await readCpuTimes();
    const result = await drive({ ...load, seconds: SECONDS / ROUNDS });
    await untilStored(desk.pool, result.accepted * ARRAY);
    cpu = cpuPerEach(before, await readCpuTimes(), result.accepted * ARRAY);
    longest_backlog = Math.max(longest_backlog, await backlog.end());
    // Until the last of them was stored, not only acknowledged.
    reached.push((result.accepted * ARRAY) / ((performance.now() - began) / 1_000));
    p99s.push(result.p99_ms);
    refused += result.refused;
    await emptied(desk);
    // Not of this turn's alone: it may have been a fast moment.
    const steady_load = { size: ARRAY, events_per_second: STEADY * median(reached), seconds: SECONDS / ROUNDS };
    steady.push(await measureLatency(desk, steady_load));
    say(
      `arrays: ${Math.round(reached.at(-1) ?? 0)} stored a second, the limit ${Math.round(limits.at(-1) ?? 0)}; ` +
        `at ${STEADY * 100} % found after ${steady.at(-1)?.searchable.p99_ms} ms (p99)`,
    );
  }
  const [ours, limit] = [median(reached), median(limits)];
  return {
    ...{ ours: Math.round(ours), limit: Math.round(limit), ratio: round(ours / limit, 3), ack_p99_ms: median(p99s), refused },
    ...{ longest_backlog, steady: medians(steady), rss_mb: memory.end(), cpu_us_per_event: cpu },
  };
}

/** Of several turns at a steady rate: the medians, and everything that was refused. */
function medians(turns: readonly SteadyResult[]): Numbers {
  const of = (read: (turn: SteadyResult) => number) => median(turns.map(read));
  return {
    events_per_second: of((turn) => turn.events_per_second),
    refused: sum(turns.map(({ refused }) => refused)),
    acknowledged: { p50_ms: of((turn) => turn.acknowledged.p50_ms), p99_ms: of((turn) => turn.acknowledged.p99_ms) },
    searchable: { p50_ms: of((turn) => turn.searchable.p50_ms), p99_ms: of((turn) => turn.searchable.p99_ms) },
    searchable_p99_of_each_ms: turns.map(({ searchable }) => searchable.p99_ms),
  };
}

async function emptied({ pool }: IngestDesk): Promise<void> {
  await pool.query("TRUNCATE events");
  await pool.query("CHECKPOINT");
}

/** Reads what is resident now and then. */
function watchMemory(pid: number) {
  const read: number[] = [];
  const timer = setInterval(() => void residentMb(pid).then((mb) => read.push(mb)), MEMORY_EVERY_MS);
  return {
    /** @returns the medians of the second and of the last quarter: in the first the process still grows to its size */
    end() {
      clearInterval(timer);
      const quarter = Math.floor(read.length / 4);
      return { early: median(read.slice(quarter, 2 * quarter)), late: median(read.slice(-quarter)), most: Math.max(...read) };
    },
  };
}

/** Looks how many batches wait, as an operator would. */
function watchBacklog({ url, reader }: IngestDesk) {
  let most = 0;
  let looking = Promise.resolve();
  const look = async () => {
    const text = await (await fetch(`${url}/metrics`, { headers: { authorization: reader["authorization"] ?? "" } })).text();
    most = Math.max(most, Number(/^switchboard_events_queued_batches (\d+)/m.exec(text)?.[1] ?? 0));
  };
  const timer = setInterval(() => {
    looking = look().catch(() => undefined);
  }, 1_000);
  return {
    async end() {
      clearInterval(timer);
      await looking;
      return most;
    },
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const median = (values: readonly number[]) => quantile(values, 0.5);
