import { expect, it } from "vitest";
import { purge } from "../../../clients/postgres/retention.ts";
import { usePostgres } from "../../support/postgres.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const open = async () => openProcess(await postgres.database());
type Here = Awaited<ReturnType<typeof open>>;

/** More events than three statements read. */
const COUNT = 50_000;
/** @param old which of them are old, by their number n; by default all but every tenth, so that old and new ones lie side by side */
const fill = (here: Here, old = "n % 10 <> 0") =>
  here.rows(
    `INSERT INTO events (event_id, event, user_id, event_datetime)
     SELECT 'e' || n, 'purchase', 'u' || n % 100, now() - CASE WHEN ${old} THEN interval '30 days 1 second' ELSE interval '29 days 23 hours' END
     FROM generate_series(1, $1::int) AS n`,
    COUNT,
  );
const fail = (here: Here) =>
  here.rows(
    `INSERT INTO failed_events (event_id, user_id, payload, reason, failed_at) VALUES
       ('old', 'u', '{}', 'r', now() - interval '30 days 1 second'), ('new', 'u', '{}', 'r', now() - interval '29 days 23 hours')`,
  );
const counting = async (here: Here) => {
  await here.rows("CREATE TABLE batches (at bigserial, rows bigint)");
  await here.rows(`CREATE FUNCTION count_batch() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN INSERT INTO batches (rows) SELECT count(*) FROM gone; RETURN NULL; END $$`);
  await here.rows(`CREATE TRIGGER count_batch AFTER DELETE ON events REFERENCING OLD TABLE AS gone
                   FOR EACH STATEMENT EXECUTE FUNCTION count_batch()`);
};
const batches = async (here: Here) =>
  (await here.rows<{ rows: string }>("SELECT rows FROM batches ORDER BY at")).map(({ rows }) => Number(rows));
const left = async (here: Here, table: string) =>
  (await here.rows<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`))[0]?.count;
const never = new AbortController().signal;

it("events that are older than the setting says go, in several statements, and newer ones stay", async () => {
  const here = await open();
  await fill(here);
  await fail(here);
  await counting(here);
  expect(await purge(here.pool, { event_days: 30, signal: never })).toBe(0.9 * COUNT + 1);
  expect(await left(here, "events")).toBe(0.1 * COUNT);
  expect(await here.rows("SELECT count(*)::int AS old FROM events WHERE event_datetime < now() - interval '30 days'")).toEqual([
    { old: 0 },
  ]);
  expect(await here.rows("SELECT event_id FROM failed_events")).toEqual([{ event_id: "new" }]);
  const each = await batches(here);
  expect(each.length).toBeGreaterThan(2);
  expect(Math.max(...each)).toBeLessThan(15_000);
  expect(await purge(here.pool, { event_days: 30, signal: never })).toBe(0);
});

it("without the setting all of them stay", async () => {
  const here = await open();
  await fill(here);
  await fail(here);
  expect(await purge(here.pool, { event_days: null, signal: never })).toBe(0);
  expect([await left(here, "events"), await left(here, "failed_events")]).toEqual([COUNT, 2]);
});

it("the process that stops stops it: what was deleted until then is, and the next one goes on", async () => {
  const here = await open();
  await fill(here);
  await counting(here);
  const stopping = new AbortController();
  const purging = purge(here.pool, { event_days: 30, signal: stopping.signal });
  while ((await batches(here)).length === 0);
  stopping.abort();
  const deleted = await purging;
  expect(await left(here, "events")).toBe(COUNT - deleted);
  expect(deleted).toBeGreaterThan(0);
  expect(deleted + (await purge(here.pool, { event_days: 30, signal: never }))).toBe(0.9 * COUNT);
  expect(await left(here, "events")).toBe(0.1 * COUNT);
  const aborted = AbortSignal.abort();
  expect(await purge(here.pool, { event_days: 1, signal: aborted })).toBe(0);
});

it.each([
  ["knows nothing of the table", "SELECT 1", "force_custom_plan"],
  ["knows that few are old, and where", "ANALYZE", "force_custom_plan"],
  ["plans once for all pages", "ANALYZE", "force_generic_plan"],
])("each statement reads its own pages only, also where the server %s", async (_name, prepare, mode) => {
  const here = await open();
  await fill(here, "n <= 1000");
  await here.rows(`INSERT INTO failed_events (event_id, user_id, payload, reason, failed_at)
                   SELECT event_id, user_id, '{}', 'refused', event_datetime FROM events`);
  await here.rows(prepare);
  const plans: string[] = [];
  const pool = watching(here, async ({ text, values }) => {
    if (text.includes("events WHERE ctid")) plans.push(await planOf(here, { text, values, mode }));
  });
  expect(await purge(pool, { event_days: 30, signal: never })).toBe(2_000);
  expect(plans.length).toBeGreaterThan(6);
  expect(plans.filter((plan) => !/Tid Range Scan on (failed_)?events/.test(plan) || /Seq|Bitmap|Index/.test(plan))).toEqual([]);
});

interface Asked {
  readonly text: string;
  readonly values: readonly string[];
}

/** The pool, whose statements are seen before they are made. */
function watching({ pool }: Here, see: (asked: Asked) => Promise<void>): Here["pool"] {
  const query = async (asked: Asked & { readonly name: string }) => {
    await see(asked);
    return pool.query({ ...asked, values: [...asked.values] });
  };
  return Object.assign(Object.create(pool), { query });
}

async function planOf({ pool }: Here, { text, values, mode }: Asked & { readonly mode: string }): Promise<string> {
  const client = await pool.connect();
  try {
    // As servers with SSDs are set: indexes look cheaper then.
    await client.query(`SET plan_cache_mode = ${mode}; SET random_page_cost = 1`);
    await client.query(`PREPARE asked (tid, tid, timestamptz) AS ${text}`);
    const { rows } = await client.query<{ "QUERY PLAN": string }>(
      `EXPLAIN EXECUTE asked (${values.map((value) => `'${value}'`).join(", ")})`,
    );
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  } finally {
    await client.query("DEALLOCATE ALL; RESET ALL");
    client.release(true);
  }
}
