/**
 * Reads events, one a line as JSON, and sends them in their order, up to 500 at a time and at least every 200 ms (client.ts). While Switchboard is away or
 * busy it waits. What is refused for good is reported.
 *
 *   node dist/examples/collect.js < events.jsonl      any Node from 20.19; `npm ci` has built it
 *   node examples/collect.ts < events.jsonl           Node 22.18 or newer reads this file as it stands
 *
 * COLLECT_URL says where Switchboard is, COLLECT_KEY is a key of role ingest (the sandbox needs none).
 * It exits 0 when everything was accepted, 1 when something was not, and says what.
 */
import { createInterface } from "node:readline";
import { createClient, type Event } from "./client.ts";

const { COLLECT_URL: url = "http://127.0.0.1:8080", COLLECT_KEY: key } = process.env;
const onWaiting = () => console.error(`${url} takes no events now; they wait here, and are sent when it does`);
const client = createClient({ url, key, onWaiting, onRefused: ({ event_id }, error) => report(event_id, error) });

function report(event_id: unknown, error: unknown): void {
  process.exitCode = 1;
  console.error(JSON.stringify({ event_id, error }));
}

function giveUp(error: Error): never {
  console.error(error.message);
  process.exit(1);
}

const lines = createInterface({ input: process.stdin });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => lines.close());
const timer = setInterval(() => void client.flush().catch(giveUp), 200);
for await (const line of lines) {
  try {
    // While they cannot be sent no more are read.
    if (client.add(JSON.parse(line) as Event) >= 500) await client.flush().catch(giveUp);
  } catch {
    report(null, `no JSON: ${line}`);
  }
}
await client.flush().catch(giveUp);
clearInterval(timer);
process.stdin.destroy();
