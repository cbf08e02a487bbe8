import { setTimeout as sleep } from "node:timers/promises";
import type { IngestDesk } from "./ingest-desk.ts";
import { benchEvents } from "./ingest-events.ts";
import { quantile, round } from "./numbers.ts";

/** Arrays sent at a steady rate. */
export interface SteadyLoad {
  readonly size: number;
  readonly events_per_second: number;
  readonly seconds: number;
}

/** What came of it: quantiles in milliseconds. */
export interface SteadyResult {
  readonly events_per_second: number;
  readonly refused: number;
  readonly acknowledged: Quantiles;
  readonly searchable: Quantiles;
}

interface Quantiles {
  readonly p50_ms: number;
  readonly p99_ms: number;
}

/** Every so many arrays one is looked for, as soon as it is acknowledged. */
const LOOK_AT = 8;
const LOOK_MS = 5;

/**
 * Sends arrays at a steady rate, whether answers come or not, and asks for some of them until search finds them.
 * @returns how long after its acknowledgement an event is found, and how long that itself took, in milliseconds
 */
export async function measureLatency(desk: IngestDesk, { size, events_per_second, seconds }: SteadyLoad): Promise<SteadyResult> {
  const events = benchEvents();
  const acknowledged: number[] = [];
  const searchable: number[] = [];
  const sent: Promise<void>[] = [];
  let refused = 0;
  const gap_ms = (size / events_per_second) * 1_000;
  const began = performance.now();
  const one = async (at: number) => {
    const [first, ...rest] = events(size);
    // A person nobody else has.
    const user_id = `latency-${at}`;
    const body = JSON.stringify([{ ...first, user_id }, ...rest]);
    const asked = performance.now();
    const response = await fetch(`${desk.url}/api/collect`, { method: "POST", headers: desk.headers, body });
    await response.arrayBuffer();
    const answered = performance.now();
    if (response.status !== 200) refused += 1;
    else acknowledged.push(answered - asked);
    if (response.status !== 200 || at % LOOK_AT !== 0) return;
    while (!(await isFound(desk, user_id))) await sleep(LOOK_MS);
    searchable.push(performance.now() - answered);
  };
  for (let at = 0; at * gap_ms < seconds * 1_000; at++) {
    const wait_ms = began + at * gap_ms - performance.now();
    if (wait_ms > 1) await sleep(wait_ms);
    sent.push(one(at));
  }
  await Promise.all(sent);
  const quantiles = (of: readonly number[]) => ({ p50_ms: round(quantile(of, 0.5)), p99_ms: round(quantile(of, 0.99)) });
  return {
    events_per_second: Math.round(events_per_second),
    refused,
    acknowledged: quantiles(acknowledged),
    searchable: quantiles(searchable),
  };
}

async function isFound({ url, reader }: IngestDesk, user_id: string): Promise<boolean> {
  const response = await fetch(`${url}/api/event/${user_id}`, { headers: { authorization: reader["authorization"] ?? "" } });
  return ((await response.json()) as { results: unknown[] }).results.length > 0;
}
