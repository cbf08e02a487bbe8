import type pg from "pg";
import type { Locale } from "../../core/locale.ts";
import type { RunFilter, RunReader } from "../../core/ports.ts";
import type { ListedRun, RunSummary, RunView } from "../../core/run.ts";
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
  return { ...toSummary(row), output: row.output };
}

function toSummary(row: Omit<RunRow, "output">): RunSummary {
  const { run_id, command, input, status, person_id, identity, attempts, error } = row;
  return {
    ...{ run_id, command, input, status, person_id, identity, attempts, error },
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

const SUMMARY = "run_id, command, input, status, person_id, identity, attempts, error, created_at, started_at, finished_at";

/** Of an output so many bytes as they are stored, mostly compressed, are shown in a list: what a command says of a hundred addresses is far less. */
const LISTED_BYTES = 16_384;

/** The size is asked for first, so that a large one is never read from where it is stored. */
const OUTPUT = `CASE WHEN pg_column_size(output) <= ${LISTED_BYTES} THEN output END AS output,
  coalesce(pg_column_size(output) > ${LISTED_BYTES}, false) AS output_left_out`;

/** Newest first, by the index on (created_at, run_id), or the person's. */
async function page<Row extends pg.QueryResultRow>(pool: pg.Pool, columns: string, filter: RunFilter): Promise<readonly Row[]> {
  const { person_id, identity, status, command, before, limit } = filter;
  return query<Row>(
    pool,
    `SELECT ${columns} FROM runs WHERE ($1::text IS NULL OR person_id = $1) AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR command = $3)
       AND ($4::timestamptz IS NULL OR (created_at, run_id) < ($4, $5)) AND ($7::text IS NULL OR identity = $7)
     ORDER BY created_at DESC, run_id DESC LIMIT $6`,
    [person_id, status, command, before?.created_at, before?.run_id, limit, identity].map((value) => value ?? null),
  );
}

/** Reads runs. */
export function createRunReader(pool: pg.Pool): RunReader {
  return {
    async get(run_id) {
      const [row] = await query<RunRow>(pool, "SELECT * FROM runs WHERE run_id = $1", [run_id]);
      return row ? toView(row) : null;
    },
    list: async (filter) => (await page<Omit<RunRow, "output">>(pool, SUMMARY, filter)).map(toSummary),
    async listWithOutputs(filter) {
      const rows = await page<RunRow & Pick<ListedRun, "output_left_out">>(pool, `${SUMMARY}, ${OUTPUT}`, filter);
      return rows.map((row) => ({ ...toView(row), output_left_out: row.output_left_out }));
    },
  };
}
