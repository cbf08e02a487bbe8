import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createTelegramAdapter, type TelegramDeps } from "../../../bots/telegram/adapter.ts";
import { createTelegramApi } from "../../../bots/telegram/outbound.ts";
import type { InboxEvent } from "../../../core/stores.ts";
import { ANN, useSandbox, type World } from "../../sandbox/fixture.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { inEach } from "../../support/test-commands.ts";

const start = useSandbox();
const WAIT = { timeout: 20_000, interval: 10 };
const GROUP = -5;

/** The adapter at the sandbox's Telegram, and what it took in. */
function adapt({ sandbox }: World, changes: Partial<TelegramDeps> = {}) {
  const events: InboxEvent[] = [];
  const log = createMemoryLog();
  const lease = async () => ({ held: () => true, release: async () => undefined });
  const adapter = createTelegramAdapter({
    ...{ api: createTelegramApi(sandbox.telegram), token: sandbox.telegram.token, leases: { lease }, log },
    intake: { receive: async (received) => void events.push(...received) },
    ...{
      people: { find: async () => null },
      menu: [{ command: "ping", description: inEach("Looks") }],
      locale: "en",
      zone: "UTC",
      webhook: null,
    },
    ...changes,
  });
  adapter.start();
  onTestFinished(() => adapter.stop());
  return { adapter, events, log };
}

describe("the menu", () => {
  const commands = async ({ person }: World) => (await person("GET", "/telegram/commands")).body["commands"];

  it("is set while people are listened to already", async () => {
    const world = await start();
    await world.person("POST", "/faults", { target: "telegram", method: "setMyCommands", delay_ms: 600_000, times: 9 });
    await world.says("hello");
    const { events } = adapt(world);
    await vi.waitFor(() => expect(events).toHaveLength(1), WAIT);
    expect(await commands(world)).toEqual({});
  });

  it("that cannot be set is told to the log, and nothing else happens", async () => {
    const world = await start();
    await world.person("POST", "/faults", { target: "telegram", method: "setMyCommands", status: 400, times: 9 });
    const { adapter, log } = adapt(world);
    await vi.waitFor(() => expect(log.lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/menu/)), WAIT);
    await vi.waitFor(() => expect(adapter.state().state).toBe("ok"), WAIT);
  });
});

describe("in a group", () => {
  it("an answer to our question is for us, as Telegram sends it; an answer to somebody else is not", async () => {
    const world = await start();
    const { adapter, events } = adapt(world);
    const say = (text: string, reply_to_message_id?: number) =>
      world.person("POST", "/telegram/messages", { chat_id: GROUP, from: ANN, text, reply_to_message_id });
    await say("/block");
    const { body } = await world.bot("sendMessage", { chat_id: GROUP, text: "Which IP address should be blocked?" });
    const { message_id } = body["result"] as unknown as { message_id: number };
    await say("203.0.113.7", message_id);
    await say("203.0.113.8", message_id - 1);
    await vi.waitFor(() => expect(events).toHaveLength(3), WAIT);
    const requests = await Promise.all(events.map((event) => adapter.interpret(event)));
    expect(requests.map((request) => (request && "ask" in request ? request.ask : null))).toEqual([
      { kind: "text", text: "/block" },
      { kind: "text", text: "203.0.113.7" },
      null,
    ]);
  });
});
