import pg from "pg";
import { join } from "../../clients/postgres/embedded.ts";
import { toClientConfig } from "../../clients/postgres/pool.ts";
import type { Stage } from "../world.ts";

/** What stands in the tables, read past Switchboard. */
export interface Database {
  /** Which of these events are in the table. */
  stored(event_ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Events that could not be written. */
  failed(): Promise<number>;
  rows(): Promise<number>;
  /** Of each customer what they paid, in cents, and by how many events. */
  sums(): Promise<ReadonlyMap<string, { readonly cents: number; readonly events: number }>>;
}

const SUMS = "SELECT user_id, (sum(price) * 100)::int AS cents, count(*)::int AS events FROM events GROUP BY 1";

/** Reads the database of a stage, with a connection for each look: it may have been killed since the last one. */
export function lookInto({ servers, env }: Pick<Stage, "servers" | "env">): Database {
  const ask = async <Row>(sql: string, params: readonly unknown[] = []): Promise<Row[]> => {
    const connection = servers?.postgres.url ?? (await join({ data_dir: env["DATA_DIR"] ?? "" }));
    if (connection === null) throw new Error("the embedded PostgreSQL does not run");
    const client = new pg.Client(toClientConfig(connection, { application_name: "proof" }));
    client.on("error", () => undefined);
    try {
      await client.connect();
      return (await client.query(sql, [...params])).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const count = async (table: string) => (await ask<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]?.n ?? -1;
  return {
    async stored(event_ids) {
      const rows = await ask<{ event_id: string }>("SELECT event_id FROM events WHERE event_id = ANY($1)", [event_ids]);
      return new Set(rows.map(({ event_id }) => event_id));
    },
    failed: () => count("failed_events"),
    rows: () => count("events"),
    async sums() {
      const rows = await ask<{ user_id: string; cents: number; events: number }>(SUMS);
      return new Map(rows.map(({ user_id, cents, events }) => [user_id, { cents, events }]));
    },
  };
}
