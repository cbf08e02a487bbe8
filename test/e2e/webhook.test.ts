import { describe, expect, it } from "vitest";
import type { SocketConnection } from "../../clients/postgres/pool.ts";
import { type Program, until } from "../../proof/process.ts";
import { type Front, startFront } from "../support/front.ts";
import { usePostgres, withClient } from "../support/postgres.ts";
import { send } from "../support/rest.ts";
import { startWorld, type World } from "../support/world.ts";

const postgres = usePostgres();
const OPERATOR = 1002;
const IP = "203.0.113.7";
const SECRET = "a-secret-that-telegram-shows";
const HEADER = "x-telegram-bot-api-secret-token";

interface Desk {
  readonly world: World;
  readonly front: Front;
  readonly connection: SocketConnection;
  readonly door: string;
}

/** The platforms, and a front behind which Switchboard's processes will be. */
async function open(secret: Readonly<Record<string, string>> = { TELEGRAM_WEBHOOK_SECRET: SECRET }): Promise<Desk> {
  const connection = (await postgres.database()) as SocketConnection;
  const front = await startFront();
  const world = await startWorld(connection, { PUBLIC_URL: front.url, ...secret });
  return { world, front, connection, door: `${front.url}/webhooks/telegram` };
}

/** Starts processes; those that are `http` or `all` stand behind the front. */
async function start({ world, front }: Desk, ...roles: readonly string[]): Promise<Program[]> {
  const programs: Program[] = [];
  for (const role of roles) programs.push(await world.start({ ROLES: role }));
  front.sendTo(programs.filter((_, at) => /^(http|all)$/.test(roles[at] ?? "")).map(({ url }) => url));
  return programs;
}

const said = async ({ world }: Desk) => (await world.platforms.messages(OPERATOR)).map(({ text }) => text);
const answered = (desk: Desk) => until("the answer", async () => (await said(desk)).some((text) => text.includes(`${IP} is blocked`)));
const info = async ({ world }: Desk) => {
  const { TELEGRAM_API_ROOT: root, TELEGRAM_BOT_TOKEN: token } = world.platforms.env;
  return (await send(`${root}/bot${token}/getWebhookInfo`)).json["result"] as Record<string, unknown>;
};
const isSet = (desk: Desk) => until("the webhook", async () => (await info(desk))["url"] === desk.door);
const count = ({ connection }: Desk, table: string) =>
  withClient(connection, async (client) => Number((await client.query(`SELECT count(*) FROM ${table}`)).rows[0].count));

describe("by webhook", () => {
  it("lines come in at two processes, and a third one works and keeps the webhook", async () => {
    const desk = await open({});
    await start(desk, "http", "http,bots,workers", "http");
    await isSet(desk);
    for (const line of [`/block ${IP}`, "/ping", "/help"]) await desk.world.platforms.say(OPERATOR, line);
    await answered(desk);
    await until("all answers", async () => (await said(desk)).length === 3);
    expect([...desk.front.calls().values()].sort()).toEqual([1, 2]);
    expect(await count(desk, "runs")).toBe(1);
    expect(await desk.world.platforms.calls("telegram", "getUpdates")).toEqual([]);
    expect(await desk.world.platforms.calls("telegram", "setWebhook")).toHaveLength(1);
    expect(await info(desk)).toMatchObject({
      pending_update_count: 0,
      max_connections: 40,
      allowed_updates: ["message", "callback_query"],
    });
  });

  it("without the secret nobody is heard; what is no update is refused", async () => {
    const desk = await open();
    await start(desk, "http");
    const update = {
      update_id: 1,
      message: { message_id: 1, date: 1, chat: { id: 1001, type: "private" }, from: { id: 1001 }, text: "/ping" },
    };
    for (const headers of [{}, { [HEADER]: "" }, { [HEADER]: `${SECRET}x` }, { [HEADER]: "wrong" }])
      expect(await send(desk.door, { body: update, headers })).toMatchObject({ status: 401, json: { code: "unauthenticated" } });
    for (const body of ["{", "[]", "null", '"x"', "{}", '{"update_id":"1"}', new Uint8Array([0x7b, 0xff]), ""])
      expect(await send(desk.door, { body, headers: { [HEADER]: SECRET } })).toMatchObject({ status: 400, json: { code: "bad_request" } });
    const huge = { update_id: 1, message: { text: "x".repeat(1_048_576) } };
    expect(await send(desk.door, { body: huge, headers: { [HEADER]: SECRET } })).toMatchObject({ status: 413 });
    expect(await count(desk, "inbox")).toBe(0);
  });

  it("the same update twice, at two processes, is one run", async () => {
    const desk = await open();
    await start(desk, "all", "http");
    await isSet(desk);
    await desk.world.platforms.say(OPERATOR, `/block ${IP}`);
    const call = await until("the call", async () => desk.front.last());
    const again = await Promise.all([1, 2, 3].map(() => send(desk.door, { body: call.body, headers: call.headers })));
    expect(again.map(({ status }) => status)).toEqual([200, 200, 200]);
    await answered(desk);
    expect([await count(desk, "inbox"), await count(desk, "runs"), (await said(desk)).length]).toEqual([1, 1, 1]);
  });
});

describe("when something is away", () => {
  it("the database: 503, and Telegram delivers again until it is back", async () => {
    const desk = await open();
    await start(desk, "all");
    await isSet(desk);
    await withClient({ ...desk.connection, database: "postgres" }, async (client) => {
      const { database } = desk.connection;
      await client.query(`ALTER DATABASE "${database}" ALLOW_CONNECTIONS false`);
      await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [database]);
      await desk.world.platforms.say(OPERATOR, `/block ${IP}`);
      await until("a refusal", async () => /503/.test(String((await info(desk))["last_error_message"])));
      expect((await info(desk))["pending_update_count"]).toBe(1);
      await client.query(`ALTER DATABASE "${database}" ALLOW_CONNECTIONS true`);
    });
    await answered(desk);
    expect(await count(desk, "runs")).toBe(1);
  });

  it("our webhook, because somebody took it away or changed the secret: it is set anew at the next start", async () => {
    const desk = await open();
    const { TELEGRAM_API_ROOT: root, TELEGRAM_BOT_TOKEN: token } = desk.world.platforms.env;
    await send(`${root}/bot${token}/setWebhook`, {
      body: { url: desk.door, secret_token: "old", allowed_updates: ["message", "callback_query"] },
    });
    const http = await desk.world.start({ ROLES: "http" });
    desk.front.sendTo([http.url]);
    await desk.world.platforms.say(OPERATOR, `/block ${IP}`);
    await until("a refusal", async () => /401/.test(String((await info(desk))["last_error_message"])));
    await desk.world.start({ ROLES: "http,bots,workers" });
    await answered(desk);
  });

  it("the process, killed when the update is stored and not worked on yet: another one goes on", async () => {
    const desk = await open();
    const [first] = await start(desk, "all");
    await isSet(desk);
    await heldAtRun(desk, async () => {
      await desk.world.platforms.say(OPERATOR, `/block ${IP}`);
      await until("it is acknowledged", async () => (await info(desk))["pending_update_count"] === 0);
      expect([await count(desk, "inbox"), await count(desk, "runs")]).toEqual([1, 0]);
      await first?.kill();
    });
    await start(desk, "all");
    await answered(desk);
    expect([await count(desk, "inbox"), await count(desk, "runs"), (await said(desk)).length]).toEqual([1, 1, 1]);
  });
});

/** Nothing can store a run meanwhile: the table is locked. Whoever tries is cut off at the end. */
async function heldAtRun({ connection }: Desk, work: () => Promise<void>): Promise<void> {
  await withClient(connection, async (client) => {
    await client.query("BEGIN");
    await client.query("LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE");
    await work();
    await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    await client.query("ROLLBACK");
  });
}
