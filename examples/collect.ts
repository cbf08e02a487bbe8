/**
 * A client of the event collector: reads events, one a line as JSON, and sends them in their order, up to 500 at a time and at least every 200 ms. While
 * Switchboard is away or busy it waits and sends the same again, which is safe: each event keeps its event_id. What is refused for good is reported.
 *
 *   node dist/examples/collect.js < events.jsonl      any Node from 20.19; `npm ci` has built it
 *   node examples/collect.ts < events.jsonl           Node 22.18 or newer reads this file as it stands
 *
 * It needs nothing but Node. COLLECT_URL says where Switchboard is, COLLECT_KEY is a key of role ingest (the sandbox needs none).
 * It exits 0 when everything was accepted, 1 when something was not, and says what.
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

type Event = { event_id: string };
type Answer = { results?: { is_success: string; error?: string }[]; errors?: { path: string; message: string }[]; detail?: string };

const { COLLECT_URL = "http://127.0.0.1:8080", COLLECT_KEY } = process.env;
const headers = { "content-type": "application/json", ...(COLLECT_KEY && { authorization: `Bearer ${COLLECT_KEY}` }) };
const [MOST, EVERY_MS, PAUSE_MAX_MS] = [500, 200, 30_000];
const waiting: Event[] = [];
let sending: Promise<void> | undefined;

/** Asks until there is an answer that will not be another next time. */
async function post(events: Event[]): Promise<{ status: number; answer: Answer }> {
  for (let attempt = 0; ; attempt++) {
    let after_s = 0;
    try {
      const got = await fetch(`${COLLECT_URL}/api/collect`, { method: "POST", headers, body: JSON.stringify(events) });
      after_s = Number(got.headers.get("retry-after")) || 0;
      const isFinal = got.status < 500 && got.status !== 429;
      // An answer that breaks off is none; a refusal counts whatever it says.
      if (isFinal) return { status: got.status, answer: (await (got.ok ? got.json() : got.json().catch(() => ({})))) as Answer };
    } catch {
      // Nobody answered, or not to the end.
    }
    if (attempt === 3) console.error(`${COLLECT_URL} takes no events now; they wait here, and are sent when it does`);
    // As long as it was told, and by chance a little more, so that not all who wait come at once.
    await sleep(after_s * 1_000 + Math.random() * Math.min(PAUSE_MAX_MS, 100 * 2 ** attempt));
  }
}

async function send(events: Event[]): Promise<void> {
  const { status, answer } = await post(events);
  if (status === 413 && events.length > 1) {
    const middle = Math.ceil(events.length / 2);
    await send(events.slice(0, middle));
    return send(events.slice(middle));
  }
  // A wrong key or address: nothing was taken, and nothing would be.
  if (![200, 413, 422].includes(status)) throw new Error(`${COLLECT_URL} answered ${status}: ${answer.detail}`);
  for (const [at, { event_id }] of events.entries()) {
    const own = answer.errors?.find(({ path }) => path.split(".")[0] === String(at));
    if (answer.results?.[at]?.is_success !== "true") report(event_id, answer.results?.[at]?.error ?? own?.message ?? answer.detail);
  }
}

function report(event_id: unknown, error: unknown): void {
  process.exitCode = 1;
  console.error(JSON.stringify({ event_id, error }));
}

/** Sends what waits. One list is under way at a time, so that the order stays. */
function flush(): Promise<void> {
  sending ??= (async () => {
    while (waiting.length > 0) await send(waiting.splice(0, MOST));
  })().finally(() => {
    sending = undefined;
  });
  return sending;
}

function giveUp(error: Error): never {
  console.error(error.message);
  process.exit(1);
}

const lines = createInterface({ input: process.stdin });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => lines.close());
const timer = setInterval(() => void flush().catch(giveUp), EVERY_MS);
for await (const line of lines) {
  try {
    waiting.push(JSON.parse(line) as Event);
  } catch {
    report(null, `no JSON: ${line}`);
  }
  // While they cannot be sent no more are read.
  if (waiting.length >= MOST) await flush().catch(giveUp);
}
await flush().catch(giveUp);
clearInterval(timer);
process.stdin.destroy();
