import { describe, expect, it } from "vitest";
import { createTelegramApi, createTelegramChannel } from "../../../bots/telegram/outbound.ts";
import type { OutgoingMessage } from "../../../core/ports.ts";
import type { PlainReply } from "../../../core/reply.ts";
import { ANN, useSandbox } from "../../sandbox/fixture.ts";
import { NO_CHARTS } from "../../support/charts.ts";
import { createMemoryLog } from "../../support/memory-log.ts";

const start = useSandbox();
const LIMITS = { global: { limit: 30, window_ms: 1000 }, chat: { limit: 1, window_ms: 1000 }, group: { limit: 20, window_ms: 60_000 } };
const REPLY: PlainReply = { tone: "ok", title: "a < b" };
const lines = (count: number) => Array.from({ length: count }, (_, at) => `203.0.113.${at} & more`);

interface Seen {
  readonly message_id: number;
  readonly text: string;
  readonly document?: { readonly file_name: string; readonly content: string };
  readonly buttons: { readonly text: string }[][];
}

/** The way out to the sandbox's Telegram, where Ann has said hello. */
async function open() {
  const world = await start();
  await world.says("hello");
  const channel = createTelegramChannel({
    api: createTelegramApi(world.sandbox.telegram),
    limits: LIMITS,
    charts: NO_CHARTS,
    log: createMemoryLog(),
  });
  const send = (reply: PlainReply, more: Partial<OutgoingMessage> = {}) =>
    channel.send({ delivery_id: "d1", page: 1, address: String(ANN.id), message_id: null, reply, ...more });
  const seen = async (chat_id = ANN.id) =>
    (await world.person("GET", `/telegram/messages?chat_id=${chat_id}`)).body["messages"] as unknown as Seen[];
  return { world, send, seen };
}

describe("the sandbox's Telegram", () => {
  it("takes what is sent and edited, however odd and long", async () => {
    const { send, seen } = await open();
    const odd = `</pre> &amp; <b>"x" ${"😀 서울 & <i>\n".repeat(600)}`;
    const reply: PlainReply = {
      tone: "warn",
      title: odd.slice(0, 40),
      lines: [odd],
      fields: [{ label: odd.slice(0, 20), value: odd, code: true }],
      table: { columns: ["a", "b"], rows: [[odd, odd]] },
      undo: { label: "Undo", line: "cf_release 203.0.113.7" },
    };
    const { message_id } = await send(reply);
    const pages = Number((await seen())[0]?.buttons.at(-1)?.[2]?.text.split("/")[1]);
    expect(pages).toBeGreaterThan(3);
    for (let page = 1; page <= pages; page++) expect(await send(reply, { page, message_id })).toEqual({ message_id });
    expect(await send(REPLY, { message_id })).toEqual(await send(REPLY, { message_id }));
    expect(await send(reply, { message_id: "999999" })).not.toEqual({ message_id });
  });

  it("shows the page that is asked for, in the same message", async () => {
    const { send, seen } = await open();
    const reply = { ...REPLY, lines: lines(500) };
    const { message_id } = await send(reply);
    await send(reply, { message_id, page: 2 });
    const [message, ...others] = await seen();
    expect(others).toEqual([]);
    expect(message?.text).toMatch(/^✅ a < b 2\/\d\n/);
    expect(
      message?.buttons
        .at(-1)
        ?.map(({ text }) => text)
        .join(" "),
    ).toMatch(/^« ‹ 2\/\d › »$/);
  });

  it("gets a file with its title", async () => {
    const { send, seen } = await open();
    const content = "ip,note\n203.0.113.7,차단\n";
    await send({ ...REPLY, file: { name: "blocks-2026.csv", media_type: "text/csv", content } });
    expect(await seen()).toMatchObject([{ text: "✅ a < b", document: { file_name: "blocks-2026.csv", content } }]);
  });

  it("gets as a file what would be too many pages, in place of the message that said it is running", async () => {
    const { send, seen } = await open();
    const { message_id } = await send({ tone: "pending", title: "running" });
    const sent = await send({ ...REPLY, lines: lines(9_000) }, { message_id });
    const [message, ...others] = await seen();
    expect(others).toEqual([]);
    expect(message).toMatchObject({ message_id: Number(sent.message_id), text: "✅ a < b", document: { file_name: "answer.txt" } });
    expect(message?.document?.content.split("\n")).toEqual(["a < b", ...lines(9_000)]);
    // What is to stand there afterwards is a message of its own.
    expect(await send(REPLY, { message_id: sent.message_id })).not.toEqual(sent);
  });

  it("is followed where a group becomes a supergroup", async () => {
    const { world, send, seen } = await open();
    await world.says("/ping", ANN, -5);
    const { message_id } = await send(REPLY, { address: "-5" });
    const { body } = await world.person("POST", "/telegram/migrate", { chat_id: -5 });
    const moved_to = String(body["chat_id"]);
    expect(await send({ ...REPLY, title: "now" }, { address: "-5", message_id })).toEqual({ message_id: expect.any(String), moved_to });
    expect(await seen(Number(moved_to))).toMatchObject([{ text: "✅ now" }]);
  });
});
