import type pg from "pg";
import type { Budget, Ephemeral, Logger } from "../../core/ports.ts";
import { withinDeadline } from "../deadline.ts";
import { toUnavailable } from "./pool.ts";
import { run as runStatement } from "./query.ts";

/** Where and for whom. */
export interface PostgresEphemeralDeps {
  /** Shared; its owner ends it. */
  readonly pool: pg.Pool;
  readonly log: Logger;
}

/** A budget as it is counted: in buckets of `width_ms`, at most 100 to the window. */
export interface Window extends Budget {
  readonly width_ms: number;
  /** The name of what closes it; null where nothing does. */
  readonly door: string | null;
}

/** Writes between two looks for rows whose time is over. */
const PURGE_EVERY = 200;
/** Rows removed by one look: more than are written between two, so they cannot pile up. */
const PURGE_LIMIT = 1_000;

const IN_MS = (parameter: string) => `now() + ${parameter}::float8 * interval '1 millisecond'`;

// The JSON is kept as text inside the jsonb: so NUL characters, lone surrogates and the order of keys come back as in Redis.
const PUT = `
  INSERT INTO conversations (key, value, expires_at) VALUES ($1, to_jsonb($2::text), ${IN_MS("$3")})
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`;
const GET = "SELECT value #>> '{}' AS text FROM conversations WHERE key = $1 AND expires_at > now()";
const TAKE = "DELETE FROM conversations WHERE key = $1 RETURNING value #>> '{}' AS text, expires_at > now() AS live";

// $3 is the key under which the number is kept that an id got, or null. One id counted twice at the same moment may count twice: a request has
// one process at a time.
const COUNT = `
  WITH before AS MATERIALIZED (SELECT value, expires_at FROM conversations WHERE key = $3 AND expires_at > now()),
  counted AS (
    INSERT INTO conversations AS c (key, value, expires_at) SELECT $1, '1', ${IN_MS("$2")} WHERE NOT EXISTS (SELECT FROM before)
    ON CONFLICT (key) DO UPDATE SET
      value = CASE WHEN c.expires_at > now() THEN to_jsonb(c.value::int + 1) ELSE excluded.value END,
      expires_at = CASE WHEN c.expires_at > now() THEN c.expires_at ELSE excluded.expires_at END
    RETURNING value, expires_at),
  kept AS (
    INSERT INTO conversations (key, value, expires_at) SELECT $3, value, expires_at FROM counted WHERE $3::text IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at)
  SELECT value::int AS count, floor(extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 AS resets_in_ms
  FROM (SELECT * FROM before UNION ALL SELECT * FROM counted) AS either`;

const SHUT = `
  INSERT INTO conversations AS c (key, value, expires_at) VALUES ($1, 'true', ${IN_MS("$2")})
  ON CONFLICT (key) DO UPDATE SET expires_at = greatest(c.expires_at, excluded.expires_at)`;

const PURGE = `
  DELETE FROM conversations WHERE key IN (
    SELECT key FROM conversations WHERE expires_at <= now() ORDER BY expires_at LIMIT ${PURGE_LIMIT} FOR UPDATE SKIP LOCKED)`;

// A sliding window in buckets: value = {number of the bucket: calls booked in it}. A call counts until its whole bucket has left
// the window. The rows are locked in the order of their keys, so two callers never wait for each other; the clock is read once all
// are locked (an aggregate over them), so a caller that waited books at the time it got through. FOR UPDATE gives the newest
// version of a row, and ON CONFLICT writes to it, so nothing that was booked in between is lost. A bucket from the future, after
// the clock was set back, counts as made now.
const RESERVE = `
  WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[]) AS t(key, call_limit, window_ms, width_ms)),
  locked AS MATERIALIZED (
    SELECT key, value FROM conversations WHERE key = ANY($1) ORDER BY key FOR UPDATE),
  clock AS MATERIALIZED (
    SELECT count(*) AS found, extract(epoch FROM clock_timestamp())::float8 * 1000 AS now FROM locked),
  bucket AS MATERIALIZED (
    SELECT key, call_limit, number, calls, (number + 1) * width_ms + window_ms AS leaves
    FROM asked JOIN locked USING (key) CROSS JOIN clock CROSS JOIN LATERAL (
      SELECT least(pair.key::float8, floor(now / width_ms)) AS number, sum(pair.value::int) AS calls
      FROM jsonb_each_text(value) AS pair GROUP BY 1) AS counted
    WHERE (number + 1) * width_ms + window_ms > now),
  full_bucket AS MATERIALIZED (
    SELECT key, leaves FROM (
      SELECT key, leaves, call_limit, sum(calls) OVER (PARTITION BY key ORDER BY number DESC) AS since FROM bucket) AS running
    WHERE since >= call_limit),
  closed AS MATERIALIZED (
    SELECT door.key, extract(epoch FROM expires_at)::float8 * 1000 AS opens
    FROM unnest($1::text[], $5::text[]) AS door(key, name) JOIN conversations ON conversations.key = name CROSS JOIN clock
    WHERE expires_at > to_timestamp(now / 1000)),
  booked AS (
    INSERT INTO conversations (key, value, expires_at)
    SELECT key, (
        SELECT jsonb_object_agg(number::bigint::text, calls) FROM (
          SELECT number, sum(calls) AS calls FROM (
            SELECT number, calls FROM bucket WHERE bucket.key = asked.key UNION ALL SELECT floor(now / width_ms), 1) AS with_this_one
          GROUP BY number) AS merged),
      to_timestamp((now + window_ms + 2 * width_ms) / 1000)
    FROM asked CROSS JOIN clock
    WHERE found = cardinality($1) AND NOT EXISTS (SELECT FROM full_bucket) AND NOT EXISTS (SELECT FROM closed)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at)
  SELECT key, found = cardinality($1) AS complete,
    ceil(coalesce(greatest((SELECT max(leaves) FROM full_bucket WHERE full_bucket.key = asked.key),
      (SELECT max(opens) FROM closed WHERE closed.key = asked.key)) - now, 0))::float8 AS wait_ms
  FROM asked CROSS JOIN clock`;

// Only a row that exists can be locked. They are made outside the booking, in the order of their keys.
const MAKE_ROWS = `
  INSERT INTO conversations (key, value, expires_at)
  SELECT key, '{}', ${IN_MS("max(window_ms)")} FROM unnest($1::text[], $2::float8[]) AS t(key, window_ms) GROUP BY key ORDER BY key
  ON CONFLICT DO NOTHING`;

/**
 * Small things in the table `conversations`, by the database's clock. Every method throws OpsError `unavailable` within 2 s when
 * the database is away. Rows whose time is over are removed in passing, every 200 writes.
 */
export function createPostgresEphemeral({ pool, log }: PostgresEphemeralDeps): Ephemeral {
  const run = <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[]) => query<Row>(pool, sql, values);
  const purge = createPurge(pool, log);
  const book = async (budgets: readonly Budget[]): Promise<readonly number[]> => {
    const windows = toWindows(budgets);
    if (windows.length === 0) return [];
    const waits = await reserve(run, windows);
    purge.wrote();
    return toWaits(budgets, windows, waits);
  };
  return {
    async put(name, value, ttl_ms) {
      await run(PUT, [`value:${name}`, JSON.stringify(value), wholeMs(ttl_ms)]);
      purge.wrote();
    },
    async get(name) {
      const [row] = await run<{ text: string }>(GET, [`value:${name}`]);
      return row && JSON.parse(row.text);
    },
    async take(name) {
      const [row] = await run<{ text: string; live: boolean }>(TAKE, [`value:${name}`]);
      return row?.live ? JSON.parse(row.text) : undefined;
    },
    async count(name, ttl_ms, id) {
      const values = [`count:${name}`, wholeMs(ttl_ms), id === undefined ? null : `counted:${name}:${id}`];
      const [row] = await run<{ count: number; resets_in_ms: number }>(COUNT, values);
      purge.wrote();
      return { count: row?.count ?? 0, resets_in_ms: Math.max(0, row?.resets_in_ms ?? 0) };
    },
    book,
    reserve: async (budgets) => Math.max(0, ...(await book(budgets))),
    async shut(name, for_ms) {
      await run(SHUT, [`closed:${name}`, wholeMs(for_ms)]);
      purge.wrote();
    },
    close: () => purge.close(),
  };
}

type Run = <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[]) => Promise<Row[]>;

/** @returns how long each window is to be waited for */
async function reserve(run: Run, windows: readonly Window[]): Promise<readonly number[]> {
  const keys = windows.map(({ key }) => `budget:${key}`);
  const lengths = windows.map(({ window_ms }) => window_ms);
  const doors = windows.map(({ door }) => door && `closed:${door}`);
  const values = [keys, windows.map(({ limit }) => limit), lengths, windows.map(({ width_ms }) => width_ms), doors];
  for (;;) {
    const rows = await run<{ key: string; complete: boolean; wait_ms: number }>(RESERVE, values);
    const waits = new Map(rows.map(({ key, wait_ms }) => [key, wait_ms]));
    if (rows[0]?.complete) return keys.map((key) => waits.get(key) ?? 0);
    await run(MAKE_ROWS, [keys, lengths]);
  }
}

/** Budgets as they are counted: one for each key and length of window, the strictest where there are several. */
export function toWindows(budgets: readonly Budget[]): readonly Window[] {
  const windows = new Map<string, Window>();
  for (const { key, limit, window_ms, closable = false } of budgets) {
    if (!(limit >= 1 && window_ms >= 1)) throw new RangeError(`the budget ${key} allows nothing: ${limit} in ${window_ms} ms`);
    const name = windowName({ key, window_ms });
    const strictest = Math.min(limit, windows.get(name)?.limit ?? limit);
    const door = closable ? key : (windows.get(name)?.door ?? null);
    windows.set(name, { key: name, limit: strictest, window_ms, width_ms: Math.max(1, Math.ceil(window_ms / 100)), door });
  }
  return [...windows.values()];
}

const windowName = ({ key, window_ms }: Pick<Budget, "key" | "window_ms">) => `${key}:${window_ms}`;

/** What was found of each window, as it is told of each budget. */
export function toWaits(budgets: readonly Budget[], windows: readonly Window[], waits: readonly number[]): readonly number[] {
  const found = new Map(windows.map(({ key }, index) => [key, waits[index] ?? 0]));
  return budgets.map((budget) => found.get(windowName(budget)) ?? 0);
}

/** A time to live in whole milliseconds, at least one. */
export function wholeMs(ttl_ms: number): number {
  return Math.max(1, Math.ceil(ttl_ms));
}

async function query<Row extends pg.QueryResultRow>(pool: pg.Pool, sql: string, values: readonly unknown[]): Promise<Row[]> {
  const result = withinDeadline("ephemeral", () => runStatement<Row>(pool, sql, [...values]));
  return result.then(
    ({ rows }) => rows,
    (thrown: unknown) => {
      throw toUnavailable(thrown);
    },
  );
}

function createPurge(pool: pg.Pool, log: Logger) {
  let writes = 0;
  let running: Promise<void> | undefined;
  const purge = async () => {
    await query(pool, PURGE, []).catch((error: unknown) => log.debug({ err: error }, "small things were not tidied up this time"));
    running = undefined;
  };
  return {
    wrote() {
      writes += 1;
      if (writes % PURGE_EVERY === 0) running ??= purge();
    },
    close: async () => running,
  };
}
