import { describe, expect, it } from "vitest";
import { CAPTION_CHARS } from "../../../bots/telegram/limits.ts";
import { createTelegramApi, createTelegramChannel } from "../../../bots/telegram/outbound.ts";
import { renderUnderChart } from "../../../bots/telegram/render.ts";
import { createCharts } from "../../../clients/chart/png.ts";
import type { OutgoingMessage } from "../../../core/ports.ts";
import type { PlainReply } from "../../../core/reply.ts";
import { ANN, useSandbox } from "../../sandbox/fixture.ts";
import { chartOf, NO_CHARTS, readPicture } from "../../support/charts.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { readHtml } from "../../support/telegram-html.ts";

const start = useSandbox();
const LIMITS = { global: { limit: 30, window_ms: 1000 }, chat: { limit: 1, window_ms: 1000 }, group: { limit: 20, window_ms: 60_000 } };
const REPLY: PlainReply = {
  ...{
    tone: "info",
    title: "64 events < 1 h",
    chart: chartOf([
      [10, 20, 30],
      [1, 0, 3],
    ]),
  },
  ...{
    fields: [{ label: "Per minute", value: "21" }],
    lines: ["Look."],
    buttons: [{ label: "Again", action: { kind: "say", line: "again" } }],
  },
};
const WORDS = "ℹ️ 64 events < 1 h\n🟦 kind-0: 60\n🟧 kind-1: 4\nPer minute: 21\nLook.";

interface Seen {
  readonly message_id: number;
  readonly text: string;
  readonly photo?: { readonly base64: string };
}

/** The way out to the sandbox's Telegram, where Ann has said hello. */
async function open(charts = createCharts()) {
  const world = await start();
  await world.says("hello");
  const log = createMemoryLog();
  const channel = createTelegramChannel({ api: createTelegramApi(world.sandbox.telegram), limits: LIMITS, charts, log });
  const send = (reply: PlainReply, more: Partial<OutgoingMessage> = {}) =>
    channel.send({ delivery_id: "d1", page: 1, address: String(ANN.id), message_id: null, reply, ...more });
  const seen = async (chat_id = ANN.id) =>
    (await world.person("GET", `/telegram/messages?chat_id=${chat_id}`)).body["messages"] as unknown as Seen[];
  return { world, log, send, seen };
}

describe("an answer with a chart", () => {
  it("is a picture, with the words and what its colours mean under it", async () => {
    const { send, seen, log } = await open();
    await send(REPLY);
    const [message, ...others] = await seen();
    expect(others).toEqual([]);
    expect(message).toMatchObject({ text: WORDS, buttons: [[{ text: "Again" }]], photo: { width: 1_280, height: 768 } });
    expect(readPicture(Buffer.from(message?.photo?.base64 ?? "", "base64")).bars("#3B8CF5")).toHaveLength(3);
    expect(log.lines).toEqual([]);
  });

  it("takes the place of the message that said it is running", async () => {
    const { send, seen } = await open();
    const { message_id } = await send({ tone: "pending", title: "running" });
    const sent = await send(REPLY, { message_id });
    expect(await seen()).toMatchObject([{ message_id: Number(sent.message_id), photo: { width: 1_280 } }]);
    expect(sent.message_id).not.toBe(message_id);
  });

  it("stands in the topic that was asked in, and follows a group that became a supergroup", async () => {
    const { world, send, seen } = await open();
    const forum = -1_000_000_000_077;
    await world.person("POST", "/telegram/messages", { chat_id: forum, from: ANN, text: "/x", message_thread_id: 42 });
    await send(REPLY, { address: `${forum}:42` });
    await send(REPLY, { address: `${forum}:43` });
    expect(await seen(forum)).toMatchObject([{ message_thread_id: 42, photo: {} }, { photo: {} }]);
    await world.says("/ping", ANN, -5);
    const { body } = await world.person("POST", "/telegram/migrate", { chat_id: -5 });
    expect(await send(REPLY, { address: "-5" })).toMatchObject({ moved_to: String(body["chat_id"]) });
    expect(await seen(Number(body["chat_id"]))).toMatchObject([{ photo: {} }]);
  });

  it("goes out in words with bars of characters where it cannot be drawn, and that is logged", async () => {
    const { send, seen, log } = await open(NO_CHARTS);
    const { message_id } = await send({ tone: "pending", title: "running" });
    expect(await send(REPLY, { message_id })).toEqual({ message_id });
    const [message] = await seen();
    expect(message?.photo).toBeUndefined();
    expect(message?.text).toBe("ℹ️ 64 events < 1 h\n▃▆█  60  🟦 kind-0\n▃·█   4  🟧 kind-1\n09:00 09:03\nPer minute: 21\nLook.");
    expect(log.lines).toMatchObject([{ level: "error", message: expect.stringContaining("could not be drawn") }]);
  });

  it("goes out in words where the chat takes no pictures", async () => {
    const { world, send, seen, log } = await open();
    await world.person("POST", "/faults", { target: "telegram", method: "sendPhoto", status: 400, times: 1 });
    await send(REPLY);
    expect((await seen())[0]?.text).toContain("▃▆█");
    expect(log.lines).toMatchObject([{ level: "warn", fields: { reason: "Bad Request" } }]);
  });

  it.each([
    [{ status: 503 }, "upstream_unavailable"],
    [{ status: 429, retry_after: 7 }, "rate_limited"],
  ])("is tried again as a picture after %j", async (fault, code) => {
    const { world, send, seen } = await open();
    await world.person("POST", "/faults", { target: "telegram", method: "sendPhoto", times: 1, ...fault });
    await expect(send(REPLY)).rejects.toMatchObject({ code });
    expect(await seen()).toEqual([]);
    await send(REPLY);
    expect(await seen()).toMatchObject([{ photo: {} }]);
  });
});

describe("the words under a chart", () => {
  it("are whole lines, as many as there is room for", () => {
    const name = "<&>".repeat(30);
    const chart = chartOf([[1]]);
    const series = Array.from({ length: 8 }, () => ({ name, total: "1", values: [1] }));
    const { text } = renderUnderChart({ ...REPLY, title: "&".repeat(400), chart: { ...chart, series } });
    expect(text.length).toBeLessThanOrEqual(CAPTION_CHARS);
    const [title = "", ...lines] = readHtml(text).split("\n");
    expect(title).toMatch(/^ℹ️ &+…$/);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.at(-1)).toBe("Look.");
    for (const line of lines.slice(0, -2)) expect(line).toMatch(/^.{1,2} (<&>){30}: 1$/u);
  });
});
