import type { IngestDesk } from "./ingest-desk.ts";
import { benchEvents } from "./ingest-events.ts";
import { drive } from "./ingest-load.ts";
import { quantile, residentMb } from "./numbers.ts";

const MINUTES = 5;
const CONNECTIONS = 4;
const ARRAY = 500;
const READ_MS = 500;

/** What the server holds resident while arrays come as fast as it takes them: each minute's median, and the most, in MB. */
export async function measureMemory(desk: IngestDesk, say: (line: string) => void) {
  const events = benchEvents();
  const body = () => JSON.stringify(events(ARRAY));
  const median_mb: number[] = [];
  let most_mb = 0;
  for (let minute = 1; minute <= MINUTES; minute++) {
    const read: number[] = [];
    const timer = setInterval(() => void residentMb(desk.pid).then((mb) => read.push(mb)), READ_MS);
    const { per_second } = await drive({ url: desk.url, headers: desk.headers, connections: CONNECTIONS, seconds: 60, body });
    clearInterval(timer);
    median_mb.push(quantile(read, 0.5));
    most_mb = Math.max(most_mb, ...read);
    say(`memory: minute ${minute}, ${median_mb.at(-1)} MB, ${Math.round(per_second * ARRAY)} events a second`);
    await desk.pool.query("TRUNCATE events");
  }
  return { median_mb, most_mb };
}
