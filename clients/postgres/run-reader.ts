import type pg from "pg";
import type { Locale } from "../../core/locale.ts";
import type { RunReader } from "../../core/ports.ts";
import type { RunView } from "../../core/run.ts";
import { query } from "./query.ts";

/** A row of the table `runs`. */
export interface RunRow extends Omit<RunView, "created_at" | "started_at" | "finished_at"> {
  readonly request_id: string;
  readonly locale: Locale;
  readonly zone: string;
  readonly takeovers: number;
  readonly generation: number;
  readonly cancelled_by: string | null;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

/** A row as people see it. */
export function toView(row: RunRow): RunView {
  const { run_id, command, input, status, person_id, identity, attempts, output, error } = row;
  return {
    ...{ run_id, command, input, status, person_id, identity, attempts, output, error },
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

/** Reads runs. Lists are newest first and use the index on (created_at, run_id), or the person's. */
export function createRunReader(pool: pg.Pool): RunReader {
  return {
    async get(run_id) {
      const [row] = await query<RunRow>(pool, "SELECT * FROM runs WHERE run_id = $1", [run_id]);
      return row ? toView(row) : null;
    },
    async list({ person_id, identity, status, command, before, limit }) {
      const rows = await query<RunRow>(
        pool,
        `SELECT * FROM runs WHERE ($1::text IS NULL OR person_id = $1) AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR command = $3)
           AND ($4::timestamptz IS NULL OR (created_at, run_id) < ($4, $5)) AND ($7::text IS NULL OR identity = $7)
         ORDER BY created_at DESC, run_id DESC LIMIT $6`,
        [person_id, status, command, before?.created_at, before?.run_id, limit, identity].map((value) => value ?? null),
      );
      return rows.map(toView);
    },
  };
}
