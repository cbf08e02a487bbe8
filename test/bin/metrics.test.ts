import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { startApp } from "../../bin/app/app.ts";
import { createDeliveryStore } from "../../clients/postgres/deliveries.ts";
import { parseConfig } from "../../core/config.ts";
import { http } from "../sandbox/fixture.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { aDelivery } from "../support/rows.ts";
import { toUrl } from "../support/world.ts";

const postgres = usePostgres();
const WAIT = { timeout: 20_000, interval: 50 };

/** A process of these roles in the sandbox, and what GET /metrics says of messages: each measure by its labels. */
async function start(ROLES: string) {
  const DATA_DIR = await mkdtemp(path.join(tmpdir(), "switchboard-metrics-"));
  onTestFinished(() => rm(DATA_DIR, { recursive: true, force: true }));
  const DATABASE_URL = toUrl(await postgres.database());
  const env = { DATA_DIR, DATABASE_URL, SECRET_KEY: "0".repeat(64), PORT: "0", SANDBOX: "1", ROLES };
  const app = await startApp(parseConfig(env, "/"), createMemoryLog());
  onTestFinished(() => app.stop());
  const metrics = async () => {
    const answer = await fetch(`${app.url}/metrics`);
    const lines = (await answer.text()).matchAll(/^switchboard_((?:deliveries|messages)_\w+)\{(.*)\} (\S+)$/gm);
    return Object.fromEntries([...lines].map(([, name, labels = "", value]) => [`${name} ${labels.replaceAll('"', "")}`, Number(value)]));
  };
  const sandbox = (where: string, body: object) => http("POST", `${app.url}/sandbox/${where}`, body);
  const says = (text: string, id = 1001) => sandbox("telegram/messages", { chat_id: id, from: { id }, text });
  return { ...app, metrics, sandbox, says };
}

it("what waits to be said is counted by lane and state, with the age of the oldest that is due", async () => {
  const { storage, metrics } = await start("http");
  expect(await metrics()).toEqual({});
  const deliveries = createDeliveryStore(storage.pool, storage.session);
  await deliveries.insert(aDelivery("d1"));
  await deliveries.insert(aDelivery("d2"));
  await deliveries.insert(aDelivery("d3", { lane: "bulk", delay_ms: 3_600_000 }));
  await deliveries.insert(aDelivery("d4", { reply_to: { platform: "telegram", address: "7" } }));
  await storage.pool.query("UPDATE deliveries SET due_at = now() - interval '1 hour' WHERE delivery_id = 'd2'");
  const claimed = await deliveries.claim("d4");
  const found = await metrics();
  expect(found).toEqual({
    "deliveries_open lane=interactive,state=due": 2,
    "deliveries_open lane=interactive,state=sending": 1,
    "deliveries_open lane=bulk,state=later": 1,
    "deliveries_oldest_seconds lane=interactive,state=due": expect.closeTo(3_600, -2),
    "deliveries_oldest_seconds lane=interactive,state=sending": expect.closeTo(0, -2),
  });
  // What is said waits no more.
  if (claimed) await deliveries.sent(claimed, "9");
  expect(Object.keys(await metrics())).not.toContainEqual(expect.stringContaining("sending"));
});

it("messages are counted by what became of them", async () => {
  const { metrics, says, sandbox } = await start("all");
  const becomes = async (outcome: string) =>
    vi.waitFor(async () => expect(await metrics()).toMatchObject({ [`messages_total platform=telegram,outcome=${outcome}`]: 1 }), WAIT);
  await says("/ping");
  await becomes("sent");
  await sandbox("faults", { target: "telegram", method: "sendMessage", status: 403, times: 1 });
  await says("/ping");
  await becomes("failed");
  await sandbox("faults", { target: "telegram", method: "sendMessage", status: 429, retry_after: 1, times: 1 });
  await says("/ping", 1002);
  await becomes("limited");
  await sandbox("faults", { target: "telegram", method: "sendMessage", status: 502, times: 1 });
  await says("/ping", 1003);
  await becomes("retried");
});
