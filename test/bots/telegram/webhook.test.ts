import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createTelegramApi } from "../../../bots/telegram/outbound.ts";
import { startPolling } from "../../../bots/telegram/polling.ts";
import { createTelegramWebhook, startWebhook } from "../../../bots/telegram/webhook.ts";
import type { InboxEvent } from "../../../core/stores.ts";
import { useSandbox, type World } from "../../sandbox/fixture.ts";
import { createMemoryLog } from "../../support/memory-log.ts";

const start = useSandbox();
const WAIT = { timeout: 20_000, interval: 10 };
const URL = "http://127.0.0.1:9/webhooks/telegram";
const SECRET = "a-secret-of-some-length";

/** One process that looks after the webhook. */
function keep({ sandbox }: World, url = URL, old_secret: string | null = null) {
  const log = createMemoryLog();
  const ready = { count: 0 };
  const duty = startWebhook({
    ...{ api: createTelegramApi(sandbox.telegram), token: sandbox.telegram.token, log, webhook: { url, secret: SECRET, old_secret } },
    leases: { lease: async () => ({ held: () => true, release: async () => undefined }) },
    onReady: () => void ready.count++,
  });
  onTestFinished(() => duty.stop());
  return { duty, log, ready };
}

const info = async ({ bot }: World) => (await bot("getWebhookInfo")).body["result"] as unknown as Record<string, unknown>;
const sets = async ({ person }: World) =>
  ((await person("GET", "/calls?emulator=telegram&method=setWebhook")).body["calls"] as unknown as object[]).length;
const isOk = (duty: { state(): { state: string } }) => vi.waitFor(() => expect(duty.state().state).toBe("ok"), WAIT);

describe("the webhook", () => {
  it("is set where there is none, and left alone where it is ours", async () => {
    const world = await start();
    const first = keep(world);
    await isOk(first.duty);
    expect(await info(world)).toMatchObject({ url: URL, max_connections: 40, allowed_updates: ["message", "callback_query"] });
    await first.duty.stop();
    const second = keep(world);
    await isOk(second.duty);
    expect([await sets(world), second.ready.count]).toEqual([1, 1]);
  });

  it.each([
    ["another URL", { url: "http://127.0.0.1:9/other", allowed_updates: ["message", "callback_query"] }],
    ["other kinds of update", { url: URL, allowed_updates: ["message"] }],
    ["fewer connections", { url: URL, allowed_updates: ["message", "callback_query"], max_connections: 1 }],
  ])("is set anew where it has %s; what waits is kept", async (_, before) => {
    const world = await start();
    await world.bot("setWebhook", before);
    await world.says("hello");
    const { duty } = keep(world);
    await vi.waitFor(async () => expect(await sets(world)).toBe(2), WAIT);
    await duty.stop();
    expect(await info(world)).toMatchObject({ url: URL, pending_update_count: 1, max_connections: 40 });
  });

  it("is set once more while its secret is changed, for Telegram may hold the old one", async () => {
    const world = await start();
    const first = keep(world);
    await isOk(first.duty);
    await first.duty.stop();
    await isOk(keep(world, URL, "the-secret-before-it").duty);
    expect(await sets(world)).toBe(2);
  });

  it("is set through outages, with one line in the log", async () => {
    const world = await start();
    for (const method of ["getMe", "setWebhook"])
      await world.person("POST", "/faults", { target: "telegram", method, status: 502, times: 2 });
    const { duty, log } = keep(world);
    await isOk(duty);
    expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(JSON.stringify(log.lines)).not.toMatch(/SANDBOX|a-secret/);
  });

  it("that Telegram does not take is said, with what to do", async () => {
    const world = await start();
    const { duty, log } = keep(world, "http://desk.example.com/webhooks/telegram");
    await vi.waitFor(
      () => expect(log.lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/PUBLIC_URL must be an https URL/)),
      WAIT,
    );
    expect(duty.state().state).toBe("degraded");
  });

  it("that cannot be reached makes the part degraded", async () => {
    const world = await start();
    const first = keep(world);
    await isOk(first.duty);
    await first.duty.stop();
    await world.says("hello");
    await vi.waitFor(async () => expect(await info(world)).toHaveProperty("last_error_message"), WAIT);
    const { duty } = keep(world);
    await vi.waitFor(
      () => expect(duty.state()).toMatchObject({ state: "degraded", note: expect.stringMatching(/cannot reach PUBLIC_URL/) }),
      WAIT,
    );
  });

  it("is taken away by polling, which gets what waits", async () => {
    const world = await start();
    await world.bot("setWebhook", { url: URL });
    await world.says("hello");
    const events: InboxEvent[] = [];
    const polling = startPolling({
      ...{ api: createTelegramApi(world.sandbox.telegram), token: world.sandbox.telegram.token, log: createMemoryLog() },
      leases: { lease: async () => ({ held: () => true, release: async () => undefined }) },
      onReady: () => undefined,
      intake: { receive: async (received) => void events.push(...received) },
    });
    onTestFinished(() => polling.stop());
    await vi.waitFor(() => expect(events).toHaveLength(1), WAIT);
  });
});

describe("the door", () => {
  const events: InboxEvent[] = [];
  const door = createTelegramWebhook({
    ...{ bot_id: 123, secret: SECRET, old_secret: "the-secret-before-it" },
    intake: { receive: async (more) => void events.push(...more) },
  });
  const HEADER = "x-telegram-bot-api-secret-token";

  it("opens to the secret alone, and to the old one while it is changed", () => {
    const body = Buffer.from("{}");
    expect(door.verify({ [HEADER]: SECRET }, body)).toBe(true);
    expect(door.verify({ [HEADER]: "the-secret-before-it" }, body)).toBe(true);
    for (const given of [undefined, "", `${SECRET} `, SECRET.slice(1), [SECRET]])
      expect(door.verify({ [HEADER]: given }, body)).toBe(false);
  });

  it("stores what comes in as polling does", async () => {
    await door.receive(Buffer.from('{"update_id":7,"message":{"chat":{"id":-5}}}'));
    expect(events).toMatchObject([{ request_id: "telegram-123-7", platform: "telegram", payload: { lane: "-5" } }]);
  });

  it.each(["", "{", "[]", "null", "7", "{}", '{"update_id":1.5}', '{"update_id":"7"}'])("refuses what is no update: %j", async (body) => {
    await expect(door.receive(Buffer.from(body))).rejects.toMatchObject({ code: "bad_request" });
  });
});
