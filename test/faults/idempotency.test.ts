import { describe, expect, it } from "vitest";
import { until } from "../../proof/process.ts";
import { killAt, type Point } from "../support/gate.ts";
import { usePostgres, withClient } from "../support/postgres.ts";
import { send } from "../support/rest.ts";
import { ADMIN_KEY, startWorld } from "../support/world.ts";

/** A POST with an Idempotency-Key whose server is killed at an exact point with SIGKILL, and which is sent again to another. */
const postgres = usePostgres();
const IP = "203.0.113.7";
const BLOCK = { key: ADMIN_KEY, body: { ip: IP }, headers: { "idempotency-key": "kill-test" } };
/** An inline command that changes something. */
const GRANT = { key: ADMIN_KEY, body: { identity: "telegram:9", role: "viewer" }, headers: { "idempotency-key": "kill-test" } };

async function killedAndAskedAgain(point: Point, path: string, sent: typeof BLOCK | typeof GRANT) {
  const connection = await postgres.database();
  const world = await startWorld(connection);
  const first = await world.start();
  await killAt(first, connection, point, async () => {
    // It is cut off by the kill.
    void send(`${first.url}${path}`, sent).catch(() => undefined);
  });
  const second = await world.start();
  const again = await until("it is answered", async () => {
    const got = await send(`${second.url}${path}`, sent);
    return got.status < 500 && got;
  });
  const once_more = await send(`${second.url}${path}`, sent);
  expect(once_more.text).toBe(again.text);
  expect(once_more.headers.get("idempotent-replayed")).toBe("true");
  const runs = await withClient(connection, async (client) => (await client.query<{ run_id: string }>("SELECT run_id FROM runs")).rows);
  return { again, runs, world, second };
}

describe("killed with a queued command in hand, and asked again", () => {
  it.each<[string, Point]>([
    ["before the key is stored", { table: "idempotency", on: "INSERT" }],
    ["after the key, before the run", { table: "runs", on: "INSERT" }],
    ["after the run, before the answer is kept", { table: "idempotency", on: "UPDATE" }],
  ])("%s: one run, one rule", async (_, point) => {
    const { again, runs, world, second } = await killedAndAskedAgain(point, "/api/v1/commands/cf_block", BLOCK);
    expect(again.status).toBe(202);
    expect(runs).toEqual([{ run_id: again.json["run_id"] }]);
    await until("the run is done", async () => {
      const run = await send(`${second.url}/api/v1/runs/${again.json["run_id"]}`, { key: ADMIN_KEY });
      return run.json["status"] === "succeeded";
    });
    expect((await world.platforms.rules()).map((rule) => rule.configuration.value)).toEqual([IP]);
  });
});

describe("killed with an inline command in hand, and asked again", () => {
  it.each<[string, Point]>([
    ["before it is done", { table: "grants", on: "INSERT" }],
    ["before its end is stored", { table: "runs", on: "UPDATE", when: "NEW.status = 'succeeded'" }],
    ["before the answer is kept", { table: "idempotency", on: "UPDATE" }],
  ])("%s: one run, done once", async (_, point) => {
    const { again, runs, second } = await killedAndAskedAgain(point, "/api/v1/commands/grant", GRANT);
    expect(again).toMatchObject({ status: 200, json: { outcome: "done", run_id: runs[0]?.run_id } });
    expect(runs).toHaveLength(1);
    expect((await send(`${second.url}/healthz`)).status).toBe(200);
  });
});
