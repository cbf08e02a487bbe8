import { isDeepStrictEqual } from "node:util";
import type { Api } from "../api.ts";
import { until } from "../process.ts";
import { PROOF_KEY } from "../world.ts";
import type { Tally } from "./clients.ts";
import type { Database } from "./database.ts";
import { byCustomer, type Purchase } from "./purchases.ts";

/** What is compared with what. */
export interface Matter {
  readonly purchases: readonly Purchase[];
  readonly tally: Tally;
  readonly database: Database;
  /** With the key of an admin, and with the one that clients have. */
  readonly api: Api;
  readonly ingest: Api;
  /** Where metrics are, one for each process that has them. */
  readonly urls: readonly string[];
  /** Whether the process that takes events also writes them. */
  readonly is_alone: boolean;
  readonly say: (line: string) => void;
}

/** What an outsider sees when all is acknowledged. */
export interface Evidence {
  readonly rows: number;
  readonly failed_events: number;
  /** Acknowledged events that are not in the table. */
  readonly lost: number;
  readonly customers: number;
  /** Of the customers, those whose sum and number of events is the file's, and those of whom REST lists the file's lines. */
  readonly sums_agree: number;
  readonly lists_agree: number;
  readonly receipts: number;
  readonly receipts_stored: number;
  /** Metrics of the last process, or of all that take events. Those of workers alone have no address. */
  readonly accepted_since_start: number;
  readonly written_since_start?: number;
  readonly metrics_agree: boolean;
}

const DRAINED_MS = 120_000;
const LOOK_MS = 500;
/** Events on a page of a customer: few, so that most of the regular ones have several. */
const PAGE = 4;
const RECEIPTS = 300;
const AT_ONCE = 8;
/** Customers between two lines of progress. */
const TOLD = 500;

/** Waits until nothing waits to be written, and compares. */
export async function judgeEvents(matter: Matter): Promise<Evidence> {
  const { purchases, tally, database, say } = matter;
  const customers = byCustomer(purchases);
  const ids = purchases.map(({ event_id }) => event_id);
  const isWritten = async () => (await database.rows()) >= ids.length && (await metric(matter, "queued_batches")) === 0;
  await until("all is written", isWritten, DRAINED_MS, LOOK_MS).catch((thrown: unknown) => say(String(thrown)));
  say("nothing waits any more; comparing");
  const acknowledged = new Set(tally.acknowledgements.flatMap((acknowledgement) => acknowledgement.ids));
  const stored = await database.stored(ids);
  const sums = await database.sums();
  const isSum = (user_id: string, of: readonly Purchase[]) =>
    isDeepStrictEqual(sums.get(user_id), { cents: of.reduce((sum, { cents }) => sum + cents, 0), events: of.length });
  const step = Math.max(1, Math.floor(ids.length / RECEIPTS));
  const sample = ids.filter((_, at) => at % step === 0);
  const receipts = await countWhere(sample, async (event_id) => {
    const { body } = await matter.ingest("GET", `/api/v1/events/${event_id}`);
    return body["status"] === "stored";
  });
  return {
    rows: await database.rows(),
    failed_events: await database.failed(),
    lost: [...acknowledged].filter((event_id) => !stored.has(event_id)).length,
    customers: sums.size,
    sums_agree: [...customers].filter(([user_id, of]) => isSum(user_id, of)).length,
    lists_agree: await listsThatAgree(customers, matter),
    receipts: sample.length,
    receipts_stored: receipts,
    ...(await readMetrics(matter)),
  };
}

async function listsThatAgree(customers: ReadonlyMap<string, readonly Purchase[]>, { api, say }: Matter): Promise<number> {
  let looked = 0;
  return countWhere([...customers], async ([user_id, of]) => {
    const listed = await listOf(user_id, api);
    if (++looked % TOLD === 0) say(`${looked} of ${customers.size} customers compared`);
    const agrees = isDeepStrictEqual(inOrder(listed), inOrder(of.map(toListed))) && isNewestFirst(listed);
    if (!agrees) say(`customer ${user_id}: ${JSON.stringify(listed)}`);
    return agrees;
  });
}

type Listed = ReturnType<typeof toListed>;

function toListed({ event_id, event_datetime, order_id, cents }: Purchase) {
  return { event_id, event: "purchase", event_datetime, parameters: { order_id, currency: "usd", price: cents / 100 } };
}

/** A customer's events by REST, page after page. */
async function listOf(user_id: string, api: Api): Promise<Listed[]> {
  const listed: Listed[] = [];
  for (let cursor: unknown = ""; cursor !== undefined; ) {
    const { body } = await api("GET", `/api/event/${user_id}?limit=${PAGE}&cursor=${cursor}`);
    listed.push(...((body["results"] ?? []) as Listed[]));
    cursor = body["next_cursor"];
  }
  return listed;
}

const inOrder = (events: readonly Listed[]) => events.toSorted((a, b) => Number(a.event_id) - Number(b.event_id));

function isNewestFirst(events: readonly Listed[]): boolean {
  return events.every(({ event_datetime }, at) => event_datetime <= (events[at - 1]?.event_datetime ?? event_datetime));
}

/** What came in since the start of a process that also writes must have been written by it: nobody else did. */
async function readMetrics(matter: Matter) {
  const read = (name: string) => metric(matter, name);
  const accepted = await read("accepted_total");
  const rest = (await read("failed_total")) + (await read("queued_batches")) + (await read("oldest_seconds"));
  if (!matter.is_alone) return { accepted_since_start: accepted, metrics_agree: rest === 0 };
  const written = (await read("stored_total")) + (await read("duplicates_total"));
  return { accepted_since_start: accepted, written_since_start: written, metrics_agree: rest === 0 && written >= accepted };
}

/** Sum of a metric of events over all processes that have metrics. */
async function metric({ urls }: Matter, name: string): Promise<number> {
  let sum = 0;
  for (const url of urls) {
    const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${PROOF_KEY}` } });
    const text = await response.text();
    sum += Number(new RegExp(`^switchboard_events_${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  }
  return sum;
}

async function countWhere<T>(things: readonly T[], is: (thing: T) => Promise<boolean>): Promise<number> {
  const rest = things.values();
  let count = 0;
  const work = async () => {
    for (const thing of rest) if (await is(thing)) count += 1;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return count;
}
