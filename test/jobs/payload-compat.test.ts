import { deflateRawSync } from "node:zlib";
import { createPostgresBackend, type PgPool, withBackend } from "bullmq";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { interpretUpdate } from "../../bots/telegram/inbound.ts";
import { createEventQueue } from "../../clients/bullmq/event-queue.ts";
import { createQueue } from "../../clients/bullmq/queue.ts";
import { createEventWriter } from "../../clients/postgres/event-writer.ts";
import { createPool } from "../../clients/postgres/pool.ts";
import type { CommandPorts } from "../../core/ports.ts";
import { createRegistry } from "../../core/registry.ts";
import { createRunWorker } from "../../jobs/run-worker.ts";
import { openGateway } from "../support/gateway.ts";
import { createMemoryLog } from "../support/memory-log.ts";
import { usePostgres } from "../support/postgres.ts";
import { openProcess, SILENT } from "../support/stores.ts";
import { testCommand, testTexts } from "../support/test-commands.ts";

/**
 * What a release has stored or queued is worked on by the next one. These rows are written as release 0.1 writes them, and with fields that a
 * later release may add: whoever changes what is stored leaves them as they are and adds rows of his own.
 */
const postgres = usePostgres();
const WAIT = { timeout: 20_000, interval: 20 };

const INBOX = `INSERT INTO inbox (request_id, platform, payload, attempts) VALUES ('telegram-123456-7', 'telegram', '{
  "lane": "1001", "added_later": 1,
  "update": {"update_id": 7, "added_later": {}, "message": {"message_id": 3, "date": 1, "text": "/echo hello", "added_later": true,
    "from": {"id": 1001, "is_bot": false, "first_name": "Ann", "language_code": "ko"}, "chat": {"id": 1001, "type": "private", "first_name": "Ann"}}}}', 1)`;
const RUN = `INSERT INTO runs (run_id, request_id, command, input, person_id, identity, locale, zone)
  VALUES ('r1', 'telegram-123456-7', 'echo', '{"words": "hello", "added_later": [1]}', 'telegram:1001', 'telegram:1001', 'ko', 'Asia/Seoul')`;
const DELIVERY = `INSERT INTO deliveries (delivery_id, request_id, run_id, platform, address, message_id, reply, locale, zone) VALUES
  ('d1', 'telegram-123456-7', 'r1', 'telegram', '1001', '70', '{"tone": "pending", "title": {"raw": "running"}, "added_later": {"key": "x"},
    "fields": [{"label": {"raw": "id"}, "value": {"raw": "r1"}, "code": true, "added_later": 1}],
    "buttons": [{"label": {"raw": "Help"}, "action": {"kind": "say", "line": "/help"}}],
    "undo": {"label": {"raw": "Undo"}, "line": "echo back"}, "lines": [], "table": {"columns": [{"raw": "a"}], "rows": [[{"raw": "b"}]]}}', 'ko', 'Asia/Seoul')`;

const TIME = "2026-11-22T00:16:43.306000Z";
const BATCH = {
  ...{
    v: 1,
    count: 2,
    event_id: "a\u0080b",
    event: "login\u0080purchase",
    user_id: 'u,1\u0080u "2"',
    event_datetime: `${TIME}\u0080${TIME}`,
  },
  ...{ order_id: "\u0081\u0080o-1", currency: "\u0081\u0080usd", price: "\u0081\u008029.33", added_later: "x\u0080y" },
};

/** Queues a job with BullMQ itself, as another release would. */
async function queueRaw(pool: ReturnType<typeof createPool>, data: Readonly<Record<string, unknown>>, name = "runs") {
  const { Queue } = withBackend(createPostgresBackend);
  const queue = new Queue(name, { connection: pool as unknown as PgPool });
  await queue.add(name, data, { jobId: "r1-0" });
  await queue.close();
}

describe("what the release before has left", () => {
  it.each([{ id: "r1" }, { id: "r1", added_later: { deep: [1] } }])("in the queue is worked on: %j", async (data) => {
    const pool = createPool(await postgres.database(), { application_name: "test", search_path: "bullmq,public", max: 8, log: SILENT });
    onTestFinished(() => pool.end());
    const queue = createQueue("runs", { kind: "postgres", pool }, { log: SILENT });
    onTestFinished(() => queue.close());
    await queueRaw(pool, data);
    const done: string[] = [];
    await queue.work(async (id) => void done.push(id), { concurrency: 1 });
    await vi.waitFor(() => expect(done).toEqual(["r1"]), WAIT);
  });

  it.each([BATCH, { v: 1, deflated: deflateRawSync(JSON.stringify(BATCH)).toString("base64"), added_later: 1 }])(
    "in the queue of events is written: %j",
    async (data) => {
      const pool = createPool(await postgres.database(), { application_name: "test", search_path: "bullmq,public", max: 8, log: SILENT });
      onTestFinished(() => pool.end());
      const queue = createEventQueue({ kind: "postgres", pool }, { log: SILENT, max_bytes: 1_000_000 });
      onTestFinished(() => queue.close());
      await queueRaw(pool, data, "events");
      await queue.work((batch) => createEventWriter(pool).write(batch).then(), { concurrency: 1 });
      const stored = async () => (await pool.query("SELECT event_id, user_id, order_id, price::text FROM events ORDER BY event_id")).rows;
      const rows = [
        { event_id: "a", user_id: "u,1", order_id: null, price: null },
        { event_id: "b", user_id: 'u "2"', order_id: "o-1", price: "29.3300" },
      ];
      await vi.waitFor(async () => expect(await stored()).toEqual(rows), WAIT);
    },
  );

  it("in the inbox is read", async () => {
    const here = await openProcess(await postgres.database());
    await here.rows(INBOX);
    const [event] = await here.inbox.takeOver(["telegram"], 10);
    if (!event) throw new Error("the event is not found");
    const people = { find: async () => null };
    const deps = { people, read: async () => "", mayPress: async () => true, me: { id: 1, username: "" } };
    expect(await interpretUpdate(event, { ...deps, locale: "en", zone: "UTC" })).toMatchObject({
      request_id: "telegram-123456-7",
      identity: "telegram:1001",
      locale: "ko",
      reply_to: { platform: "telegram", address: "1001" },
      ask: { kind: "text", text: "/echo hello" },
    });
  });

  it("to be done is done, and what is to be said is said", async () => {
    const stage = await openGateway(await postgres.database());
    await stage.rows(RUN);
    await stage.rows(DELIVERY);
    const person = { person_id: "telegram:1001", name: "Ann", role: "viewer", locale: null, zone: null } as const;
    const echo = testCommand({ execution: { mode: "queued", timeout_ms: 5_000, attempts: 1 } });
    const work = createRunWorker({
      ...{ runs: stage.runs, log: createMemoryLog(), stopping: new AbortController().signal, ports: {} as CommandPorts },
      registry: createRegistry([echo], testTexts()),
      audit: { append: async () => undefined },
      enqueueRuns: async () => undefined,
      enqueueDeliveries: stage.enqueueDeliveries,
      identify: async () => person,
    });
    await stage.gateway.admit("d1");
    await vi.waitFor(async () => expect(await stage.statuses()).toEqual({ d1: "sent" }), WAIT);
    await work("r1");
    await vi.waitFor(() => expect(stage.titles()).toEqual(["running", "hello"]), WAIT);
    expect(await stage.runs.get("r1")).toMatchObject({ status: "succeeded", output: { said: "hello" } });
    expect(stage.channel.calls.map(({ message_id }) => message_id)).toEqual(["70", "70"]);
  });
});
