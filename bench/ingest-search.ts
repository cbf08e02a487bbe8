import type { IngestDesk } from "./ingest-desk.ts";
import { quantile, round } from "./numbers.ts";

/** The bare select, for the same user: the driver, the columns as they are. */
const SELECT =
  "SELECT event_id, event, event_datetime, order_id, currency, price FROM events WHERE user_id = $1 ORDER BY event_datetime DESC, event_id LIMIT 101";
const ASKED = 1_000;
/** Whose events are asked for: each has this many. */
const OWN = 100;
const SMALL = 50_000;
const LARGE = 5_000_000;

/** Rows as they come in: everybody's in turn, a minute apart, so that a person's lie far from each other. */
const FILL = `INSERT INTO events (event_id, event, user_id, event_datetime, order_id, currency, price)
  SELECT 'fill-' || lpad(to_hex(n), 26, '0'), 'purchase', 'u' || (n % $3), now() - ($2 - n) * interval '1 second', n::text, 'usd', (n % 10000) / 100.0
  FROM generate_series($1::bigint, $2::bigint - 1) AS n`;
const CHUNK = 250_000;

/** How long a search takes, alone and beside the bare select, among few events and among many. */
export async function measureSearch(desk: IngestDesk, say: (line: string) => void) {
  const small = await amongSo(desk, SMALL, say);
  const large = await amongSo(desk, LARGE, say);
  return { small, large, growth: round(large.p99_ms / small.p99_ms, 2), above_select: round(large.p99_ms / large.select_p99_ms, 2) };
}

async function amongSo(desk: IngestDesk, count: number, say: (line: string) => void) {
  await desk.pool.query("TRUNCATE events");
  for (let from = 0; from < count; from += CHUNK) {
    await desk.pool.query(FILL, [from, Math.min(count, from + CHUNK), count / OWN]);
    say(`${Math.min(count, from + CHUNK)} events of ${count} are there`);
  }
  await desk.pool.query("VACUUM ANALYZE events");
  await desk.pool.query("CHECKPOINT");
  const asked = Array.from({ length: ASKED }, (_, at) => `u${(at * 7_919) % (count / OWN)}`);
  const searches: number[] = [];
  const selects: number[] = [];
  // In turns, so that what else the machine does meets both.
  for (const [at, user_id] of [...asked, ...asked].entries()) {
    const warm = at >= ASKED;
    const search = await timed(() => searchOnce(desk, user_id));
    const select = await timed(() => desk.pool.query({ name: "bare", text: SELECT, values: [user_id] }));
    if (warm) searches.push(search);
    if (warm) selects.push(select);
  }
  return {
    events: count,
    ...{ p50_ms: round(quantile(searches, 0.5), 2), p99_ms: round(quantile(searches, 0.99), 2) },
    ...{ select_p50_ms: round(quantile(selects, 0.5), 2), select_p99_ms: round(quantile(selects, 0.99), 2) },
  };
}

async function searchOnce({ url, reader }: IngestDesk, user_id: string): Promise<void> {
  const response = await fetch(`${url}/api/event/${user_id}`, { headers: { authorization: reader["authorization"] ?? "" } });
  const { results } = (await response.json()) as { results: unknown[] };
  if (results.length !== OWN) throw new Error(`${user_id} has ${results.length} events`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
