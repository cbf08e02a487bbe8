import type pg from "pg";
import { EVENT_COLUMNS } from "../core/events/batch.ts";
import type { CollectedEvent } from "../core/events/event.ts";
import { benchEvents } from "./ingest-events.ts";

const INSERT = `INSERT INTO events (${EVENT_COLUMNS.join(", ")})
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::numeric[]) ON CONFLICT DO NOTHING`;

/**
 * The limit of `bench -- ingest` for arrays: the same rows into the same table with the same indexes by the driver itself, over so many connections at once.
 * @returns rows a second
 */
export async function insertRaw(pool: pg.Pool, options: { connections: number; size: number; seconds: number }): Promise<number> {
  const { connections, size, seconds } = options;
  const events = benchEvents();
  const began = performance.now();
  const until = began + seconds * 1_000;
  let rows = 0;
  const insert = async () => {
    while (performance.now() < until) {
      await pool.query({ name: "raw", text: INSERT, values: columnsOf(events(size)) });
      rows += size;
    }
  };
  await Promise.all(Array.from({ length: connections }, insert));
  return rows / ((performance.now() - began) / 1_000);
}

function columnsOf(events: readonly CollectedEvent[]): unknown[] {
  const row = events.map(({ parameters, ...event }) => ({ ...event, ...parameters }));
  return EVENT_COLUMNS.map((name) => row.map((one) => one[name] ?? null));
}
