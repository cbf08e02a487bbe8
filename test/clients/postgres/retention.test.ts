import { expect, it } from "vitest";
import { purge } from "../../../clients/postgres/retention.ts";
import { usePostgres } from "../../support/postgres.ts";
import { aDelivery, anEnd, anEvent, aRun, claimOf } from "../../support/rows.ts";
import { openProcess } from "../../support/stores.ts";

const postgres = usePostgres();
const signal = new AbortController().signal;
const FOR_EVER = { event_days: null, signal };

/** One row of each kind and age: `old` ones may go once they are done, `new` ones never. */
async function fill(here: Awaited<ReturnType<typeof openProcess>>): Promise<void> {
  await here.inbox.receive([anEvent(1), anEvent(2), anEvent(3)]);
  for (const number of [1, 2]) await here.inbox.done(`telegram-1-${number}`);
  for (const run_id of ["old", "open", "new"]) await here.runs.insert(aRun(run_id), { delivery: null, claim: true });
  for (const run_id of ["old", "new"]) await here.runs.finish(await claimOf(here, run_id), anEnd());
  for (const id of ["old-sent", "old-failed", "old-scheduled", "old-sending", "new-sent"]) await here.deliveries.insert(aDelivery(id));
  for (const [id, status] of [
    ["old-sent", "sent"],
    ["old-failed", "failed"],
    ["old-sending", "sending"],
    ["new-sent", "sent"],
  ])
    await here.rows("UPDATE deliveries SET status = $2 WHERE delivery_id = $1", id, status);
  await here.rows("UPDATE inbox SET received_at = now() - interval '8 days'");
  await here.rows("UPDATE inbox SET done_at = now() - interval '7 days 1 second' WHERE request_id = 'telegram-1-1'");
  await here.rows("UPDATE runs SET created_at = now() - interval '91 days'");
  await here.rows("UPDATE runs SET finished_at = now() - interval '90 days 1 second' WHERE run_id = 'old'");
  await here.rows("UPDATE deliveries SET created_at = now() - interval '90 days 1 second' WHERE delivery_id LIKE 'old%'");
}

it("what is older than it is kept for is deleted, and nothing else", async () => {
  const here = await openProcess(await postgres.database());
  await fill(here);
  await here.rows(`INSERT INTO audit (seq, at, identity, action, outcome, request_id, previous_hash, hash)
                   VALUES (1, now() - interval '10 years', 'telegram:1001', 'ask', 'done', 'q1', '', '')`);
  for (const [key, age] of [
    ["old", "24 hours 1 second"],
    ["new", "23 hours"],
  ])
    await here.rows(
      "INSERT INTO idempotency (owner, route, key, body_hash, request_id, created_at) VALUES ('o', 'r', $1, '', $1, now() - $2::interval)",
      key,
      age,
    );
  expect(await purge(here.pool, FOR_EVER)).toBe(5);
  expect(await here.rows("SELECT key FROM idempotency")).toEqual([{ key: "new" }]);
  const left = async (table: string, id: string) =>
    (await here.rows<{ id: string }>(`SELECT ${id} AS id FROM ${table} ORDER BY 1`)).map((row) => row.id);
  expect(await left("inbox", "request_id")).toEqual(["telegram-1-2", "telegram-1-3"]);
  expect(await left("runs", "run_id")).toEqual(["new", "open"]);
  expect(await left("deliveries", "delivery_id")).toEqual(["new-sent", "old-scheduled", "old-sending"]);
  expect(await left("audit", "seq")).toEqual(["1"]);
  expect(await purge(here.pool, FOR_EVER)).toBe(0);
});

it("many are deleted in batches, so that no statement takes long", async () => {
  const here = await openProcess(await postgres.database());
  await here.rows(`INSERT INTO inbox (request_id, platform, payload, done_at)
                   SELECT 'q' || n, 'telegram', '{}', now() - interval '8 days' FROM generate_series(1, 2500) AS n`);
  await here.rows("CREATE TABLE batches (rows bigint)");
  await here.rows(`CREATE FUNCTION count_batch() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN INSERT INTO batches SELECT count(*) FROM gone; RETURN NULL; END $$`);
  await here.rows(`CREATE TRIGGER count_batch AFTER DELETE ON inbox REFERENCING OLD TABLE AS gone
                   FOR EACH STATEMENT EXECUTE FUNCTION count_batch()`);
  expect(await purge(here.pool, FOR_EVER)).toBe(2_500);
  const batches = await here.rows<{ rows: string }>("SELECT rows FROM batches");
  expect(batches.map(({ rows }) => Number(rows))).toEqual([1_000, 1_000, 500]);
});
