import { startProgram } from "../proof/process.ts";
import type { AtOnce } from "./bare.ts";
import { type CpuTimes, cpuPerEach, readCpuTimes } from "./cpu.ts";
import { countStored, type IngestDesk, untilStored } from "./ingest-desk.ts";
import { benchEvents } from "./ingest-events.ts";
import { drive, type Load, type LoadResult } from "./ingest-load.ts";
import { quantile, round } from "./numbers.ts";

/** How single events are measured. */
export interface SingleOptions {
  /** In all turns together. */
  readonly seconds: number;
  readonly connections: number;
  watchMemory(pid: number): { end(): unknown };
  say(line: string): void;
}

/** The speed of a shared machine changes by half from one moment to the next; with short turns a change falls into few of them. */
const TURNS = 10;
const WARM_UP_S = 3;
/** Each turn begins after a pause in which others were measured. */
const TURN_WARM_UP_S = 2;

/** What one turn found. */
interface Turn {
  readonly result: LoadResult;
  readonly cpu: CpuTimes;
  /** When all that was acknowledged was stored, after the last acknowledgement, in milliseconds. */
  readonly behind_ms: number;
}

/**
 * Single events in turns with their limit, the same route answering at once, which is measured before and after each of them; and with Fastify alone.
 * All of them run for as long as the whole takes, and each turn begins with the same load for some seconds. Everything acknowledged is stored before the next.
 */
export async function measureSingle(desk: IngestDesk, { seconds, connections, watchMemory, say }: SingleOptions) {
  const memory = watchMemory(desk.pid);
  const events = benchEvents();
  const load = { headers: desk.headers, connections, seconds: seconds / TURNS, body: () => JSON.stringify(events(1)[0]) };
  await drive({ ...load, url: desk.url, seconds: WARM_UP_S });
  const route = await startAtOnce("route");
  const alone = await startAtOnce("bare");
  const [turns, limits, bares]: [Turn[], LoadResult[], LoadResult[]] = [[], [], []];
  try {
    limits.push(await driveWarm({ ...load, url: route.url }));
    for (let turn = 0; turn < TURNS; turn++) {
      bares.push(await driveWarm({ ...load, url: alone.url }));
      turns.push(await takeTurn(desk, { ...load, url: desk.url }));
      limits.push(await driveWarm({ ...load, url: route.url }));
      const [one, limit, bare] = [turns.map(({ result }) => result), limits, bares].map((of) => Math.round(of.at(-1)?.per_second ?? 0));
      say(`single: ${one} a second; the same route answering at once ${limit}, Fastify alone ${bare}`);
    }
  } finally {
    await Promise.all([route.kill(), alone.kill()]);
  }
  return { ...summary(turns, limits, bares), rss_mb: memory.end() };
}

/** The medians; of the ratios of each turn, not the ratio of medians, which belong to different moments. */
function summary(turns: readonly Turn[], limits: readonly LoadResult[], bares: readonly LoadResult[]) {
  const ours = turns.map(({ result }) => result);
  const per_second = (of: readonly LoadResult[]) => Math.round(median(of.map((one) => one.per_second)));
  const ratios = ours.map((one, turn) => round(one.per_second / around(limits, turn), 3));
  const to_bare = ours.map((one, turn) => round(one.per_second / (bares[turn]?.per_second ?? Number.NaN), 3));
  return {
    ...{ ours: per_second(ours), limit: per_second(limits), ratio: median(ratios), ratio_of_each: ratios },
    ...{ bare: per_second(bares), ratio_to_bare: median(to_bare) },
    ...{ ack_p50_ms: median(ours.map((one) => one.p50_ms)), ack_p99_ms: median(ours.map((one) => one.p99_ms)) },
    refused: ours.reduce((total, { refused }) => total + refused, 0),
    stored_after_ms: Math.round(Math.max(...turns.map(({ behind_ms }) => behind_ms))),
    cpu_us_per_event: turns.at(-1)?.cpu,
  };
}

async function takeTurn({ pool }: IngestDesk, load: Load): Promise<Turn> {
  const warm_up = await storedAfter(pool, () => drive({ ...load, seconds: TURN_WARM_UP_S }));
  if (warm_up.refused > 0) throw new Error(`${warm_up.refused} events were refused while it warmed up`);
  const before = await readCpuTimes();
  let cpu: CpuTimes = {};
  const result = await storedAfter(pool, async () => {
    const driven = await drive(load);
    cpu = cpuPerEach(before, await readCpuTimes(), driven.accepted);
    return driven;
  });
  return { result, cpu, behind_ms: result.behind_ms };
}

/** Resolves when all is stored that was acknowledged meanwhile: what is still to be written would slow down whoever comes next. */
async function storedAfter(
  pool: IngestDesk["pool"],
  send: () => Promise<LoadResult>,
): Promise<LoadResult & { readonly behind_ms: number }> {
  const stored = await countStored(pool);
  const result = await send();
  return { ...result, behind_ms: await untilStored(pool, stored + result.accepted) };
}

/** The limit of a turn: the mean of what was measured before it and after it, for the machine's speed drifts. */
function around(limits: readonly LoadResult[], turn: number): number {
  return limits.slice(turn, turn + 2).reduce((total, { per_second }) => total + per_second, 0) / 2;
}

/** A route that answers at once, in a process of its own. */
const startAtOnce = (which: AtOnce) => startProgram("bench/main.js", { args: [which], env: {} });

async function driveWarm(load: Load): Promise<LoadResult> {
  await drive({ ...load, seconds: TURN_WARM_UP_S });
  return await drive(load);
}

const median = (values: readonly number[]) => quantile(values, 0.5);
