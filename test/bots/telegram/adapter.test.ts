import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createTelegramAdapter, type TelegramDeps } from "../../../bots/telegram/adapter.ts";
import { createTelegramApi } from "../../../bots/telegram/outbound.ts";
import { limitPresses } from "../../../core/policy/limit.ts";
import type { Person } from "../../../core/request.ts";
import type { InboxEvent } from "../../../core/stores.ts";
import { ANN, useSandbox, type World } from "../../sandbox/fixture.ts";
import { createTestClock } from "../../support/clock.ts";
import { createMemoryEphemeral } from "../../support/memory-ephemeral.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { inEach } from "../../support/test-commands.ts";

const start = useSandbox();
const WAIT = { timeout: 20_000, interval: 10 };
const GROUP = -5;

/** The adapter at the sandbox's Telegram, what it took in, and who it knows. */
function adapt({ sandbox }: World, changes: Partial<TelegramDeps> = {}) {
  const events: InboxEvent[] = [];
  const log = createMemoryLog();
  const known = new Map<string, Person>();
  const lease = async () => ({ held: () => true, release: async () => undefined });
  const menu = [
    { command: "ping", description: { en: "Looks", ko: "확인", ru: "Проверка" }, role: "viewer" },
    { command: "block", description: inEach("Blocks"), role: "operator" },
  ] as const;
  const adapter = createTelegramAdapter({
    ...{ api: createTelegramApi(sandbox.telegram), token: sandbox.telegram.token, leases: { lease }, log },
    intake: { receive: async (received) => void events.push(...received) },
    ...{ people: { find: async (identity) => known.get(identity) ?? null }, menu, locale: "en", zone: "UTC", webhook: null },
    tooFast: async () => null,
    ...changes,
  });
  adapter.start();
  onTestFinished(() => adapter.stop());
  /** Waits for so many events, and reads the last one. */
  const reads = async (count: number) => {
    await vi.waitFor(() => expect(events).toHaveLength(count), WAIT);
    return adapter.interpret(events.at(-1) as InboxEvent);
  };
  const knows = (id: number, role: Person["role"], locale: Person["locale"] = null) =>
    known.set(`telegram:${id}`, { person_id: `p${id}`, name: "x", role, locale, zone: null });
  return { adapter, events, log, reads, knows };
}

describe("the menu", () => {
  const menuOf = async ({ person }: World, chat_id = ANN.id, language = "en") =>
    (await person("GET", `/telegram/menu?chat_id=${chat_id}&language_code=${language}`)).body as unknown as {
      scope: string | null;
      commands: { command: string; description: string }[];
    };
  const shows = (world: World, ...commands: string[]) =>
    vi.waitFor(async () => expect((await menuOf(world)).commands.map(({ description }) => description)).toEqual(commands), WAIT);

  it("of a stranger is empty, whatever an earlier release set", async () => {
    const world = await start();
    const commands = [{ command: "block", description: "Blocks" }];
    await world.bot("setMyCommands", { commands });
    await world.bot("setMyCommands", { commands, language_code: "ko" });
    await world.says("hello");
    const { reads } = adapt(world);
    await reads(1);
    await shows(world);
    await vi.waitFor(async () => expect((await menuOf(world, ANN.id, "ko")).scope).toBeNull(), WAIT);
    expect((await world.person("GET", "/calls?emulator=telegram&method=setMyCommands")).body["calls"]).toHaveLength(2);
  });

  it("of somebody known is what their role may run, in their language, and follows both", async () => {
    const world = await start();
    const { reads, knows } = adapt(world);
    knows(ANN.id, "viewer");
    await world.says("hello");
    await reads(1);
    await shows(world, "Looks");
    knows(ANN.id, "operator", "ko");
    await world.says("hello");
    await reads(2);
    await shows(world, "확인", "Blocks");
    knows(ANN.id, null, "ko");
    await world.says("hello");
    await reads(3);
    await shows(world);
  });

  it("follows a change of role at once, in the language they were seen with", async () => {
    const world = await start();
    const { reads, knows, adapter } = adapt(world);
    knows(ANN.id, "viewer", "ko");
    await world.says("hello");
    await reads(1);
    await shows(world, "확인");
    adapter.roleChanged?.(`telegram:${ANN.id}`, { role: null, locale: null });
    await shows(world);
    adapter.roleChanged?.("key:ci", { role: "admin", locale: null });
    adapter.roleChanged?.(`telegram:${ANN.id}`, { role: "operator", locale: null });
    await shows(world, "확인", "Blocks");
  });

  it("whose role was changed back by another process is set all the same", async () => {
    const world = await start();
    const { reads, knows, adapter } = adapt(world);
    knows(ANN.id, "viewer");
    await world.says("hello");
    await reads(1);
    await shows(world, "Looks");
    await world.bot("deleteMyCommands", { scope: { type: "chat", chat_id: ANN.id } });
    await shows(world);
    adapter.roleChanged?.(`telegram:${ANN.id}`, { role: "viewer", locale: null });
    await shows(world, "Looks");
  });

  it("is set once for as long as nothing changes, and never in a group", async () => {
    const world = await start();
    const { reads, knows } = adapt(world);
    knows(ANN.id, "viewer");
    for (const chat of [ANN.id, ANN.id, GROUP, ANN.id]) await world.says("/ping", ANN, chat);
    for (let at = 1; at <= 3; at++) await reads(4);
    await shows(world, "Looks");
    expect((await world.person("GET", "/calls?emulator=telegram&method=setMyCommands")).body["calls"]).toHaveLength(1);
  });

  it("waits as long as Telegram says; what fails is told to the log and tried again when they are seen again", async () => {
    const world = await start();
    const { reads, knows, log, adapter } = adapt(world);
    knows(ANN.id, "viewer");
    await world.person("POST", "/faults", { target: "telegram", method: "setMyCommands", status: 429, retry_after: 1, times: 1 });
    await world.person("POST", "/faults", { target: "telegram", method: "setMyCommands", status: 400, times: 1 });
    await world.says("hello");
    await reads(1);
    await vi.waitFor(() => expect(log.lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/menu/)), WAIT);
    await reads(1);
    await shows(world, "Looks");
    await vi.waitFor(() => expect(adapter.state().state).toBe("ok"), WAIT);
  });

  it("is no reason to let people wait", async () => {
    const world = await start();
    await world.person("POST", "/faults", { target: "telegram", method: "deleteMyCommands", delay_ms: 600_000, times: 9 });
    await world.says("hello");
    expect(await adapt(world).reads(1)).toMatchObject({ ask: { text: "hello" } });
  });
});

describe("the press of a button", () => {
  it("is answered, past the limit with how long to wait", async () => {
    const world = await start();
    const ephemeral = createMemoryEphemeral(createTestClock());
    const limit = { limit: 2, window_ms: 60_000 };
    const { reads, knows } = adapt(world, {
      tooFast: async (presser) => ((await limitPresses(presser, ephemeral, limit)) ? "wait 60 s" : null),
    });
    knows(ANN.id, "viewer");
    await world.says("/cf_list");
    const reply_markup = { inline_keyboard: [[{ text: "▶", callback_data: "p:0abc:2" }]] };
    const { body } = await world.bot("sendMessage", { chat_id: ANN.id, text: "1/2", reply_markup });
    const { message_id } = body["result"] as unknown as { message_id: number };
    const found = [];
    for (let presses = 1; presses <= 3; presses++) {
      await world.person("POST", "/telegram/callbacks", { chat_id: ANN.id, message_id, data: "p:0abc:2", from: ANN });
      found.push(await reads(1 + presses));
    }
    const turn = { kind: "page", delivery_id: "0abc", page: 2 };
    expect(found).toEqual([expect.objectContaining(turn), expect.objectContaining(turn), null]);
    await vi.waitFor(async () => {
      const answers = (await world.person("GET", "/telegram/callbacks")).body["callbacks"] as unknown as {
        answered: boolean;
        text?: string;
      }[];
      expect(answers.map(({ answered, text }) => [answered, text])).toEqual([
        [true, undefined],
        [true, undefined],
        [true, "wait 60 s"],
      ]);
    }, WAIT);
  });
});

describe("in a group", () => {
  it("an answer to our question is for us, as Telegram sends it; an answer to somebody else is not", async () => {
    const world = await start();
    const { reads } = adapt(world);
    const say = (text: string, reply_to_message_id?: number) =>
      world.person("POST", "/telegram/messages", { chat_id: GROUP, from: ANN, text, reply_to_message_id });
    await say("/block");
    expect(await reads(1)).toMatchObject({ ask: { kind: "text", text: "/block" } });
    const { body } = await world.bot("sendMessage", { chat_id: GROUP, text: "Which IP address should be blocked?" });
    const { message_id } = body["result"] as unknown as { message_id: number };
    await say("203.0.113.7", message_id);
    expect(await reads(2)).toMatchObject({ ask: { kind: "text", text: "203.0.113.7" } });
    await say("203.0.113.8", message_id - 1);
    expect(await reads(3)).toBeNull();
  });
});

describe("a file with a line", () => {
  const send = (world: World, document: object, text = "/block") =>
    world.person("POST", "/telegram/messages", { chat_id: ANN.id, from: ANN, text, document });
  const LIST = { file_name: "ips.txt", mime_type: "text/plain", content: "\ufeff203.0.113.7\n203.0.113.8\n" };

  it("is fetched and handed over as text", async () => {
    const world = await start();
    const { reads, knows } = adapt(world);
    knows(ANN.id, "operator");
    await send(world, LIST);
    expect(await reads(1)).toMatchObject({ ask: { kind: "text", text: "/block", attachment: "203.0.113.7\n203.0.113.8\n" } });
    await send(world, { ...LIST, file_name: "Fail2ban.LOG", mime_type: "application/octet-stream" });
    expect(await reads(2)).toMatchObject({ ask: { attachment: expect.stringContaining("203.0.113.8") } });
  });

  it.each([
    ["of another type", { file_name: "ips.pdf", mime_type: "application/pdf", content: "x" }, "telegram.file_type"],
    ["that is too large", { ...LIST, content: "203.0.113.7\n".repeat(22_000) }, "telegram.file_too_large"],
    ["that is no UTF-8", { ...LIST, content: "//4yADAAMwA=", encoding: "base64" }, "telegram.file_not_text"],
  ])("%s is refused with a sentence", async (_, document, key) => {
    const world = await start();
    const { reads, knows } = adapt(world);
    knows(ANN.id, "operator");
    await send(world, document);
    expect(await reads(1)).toMatchObject({ ask: { kind: "refused", reason: { key } } });
  });

  it.each(["getFile", "download"])("that cannot be fetched (%s) is asked for again; the log has no token", async (method) => {
    const world = await start();
    const { reads, knows, log } = adapt(world);
    knows(ANN.id, "operator");
    await world.person("POST", "/faults", { target: "telegram", method, drop: true, times: 1 });
    await send(world, LIST);
    expect(await reads(1)).toMatchObject({ ask: { kind: "refused", reason: { key: "telegram.file_failed" } } });
    expect(JSON.stringify(log.lines)).not.toMatch(/SANDBOX/);
  });
});
