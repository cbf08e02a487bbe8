import type pg from "pg";
import { EVENT_COLUMNS, toBatch } from "../core/events/batch.ts";
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
      const batch = toBatch(events(size));
      await pool.query({ name: "raw", text: INSERT, values: EVENT_COLUMNS.map((column) => batch[column]) });
      rows += size;
    }
  };
  await Promise.all(Array.from({ length: connections }, insert));
  return rows / ((performance.now() - began) / 1_000);
}
