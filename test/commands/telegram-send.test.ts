import { describe, expect, it } from "vitest";
import { renderTelegram } from "../../bots/telegram/render.ts";
import { telegramSend } from "../../commands/telegram/send.ts";
import type { Outbox, Said } from "../../core/desk-ports.ts";
import { OpsError } from "../../core/errors.ts";
import type { CommandPorts } from "../../core/ports.ts";
import { plain, text } from "../../core/reply.ts";
import { codeOf, createTestDesk } from "../support/conversation.ts";

const ALL_TRIES_MS = 3_600_000;

/** A desk, an operator, and somebody in another chat. */
function desk(options: { telegram?: boolean } = {}) {
  const opened = createTestDesk(options);
  return { ...opened, op: opened.person("telegram:1002", "operator"), other: opened.person("telegram:77", null, { chat: "77" }) };
}

/** One try of the handler, at an outbox where the message stands so, and can be withdrawn so. */
async function tryOnce(said: Said, more: { withdrawn?: Said; last_attempt?: boolean; cancelled?: boolean } = {}) {
  const stop = new AbortController();
  if (more.cancelled) stop.abort(new OpsError("cancelled", "by somebody"));
  const taken: string[] = [];
  const outbox: Outbox = {
    reaches: () => true,
    say: async () => {},
    wait: async () => said,
    withdraw: async (delivery_id) => {
      taken.push(delivery_id);
      return more.withdrawn ?? said;
    },
  };
  const context = {
    ...{ run_id: "run000000001", identity: "telegram:1002", attempt: 1, last_attempt: more.last_attempt ?? false, signal: stop.signal },
    person: { person_id: "p1", name: "Op", role: "operator", locale: null, zone: null } as const,
    ports: { outbox } as unknown as CommandPorts,
  };
  const end = await telegramSend.handle({ chat_id: "77", text: "hello" }, context).catch((thrown: unknown) => (thrown as OpsError).code);
  return { end, taken: taken.length };
}

const waiting: Said = { status: "waiting", message_id: null, error: null };
const withdrawn: Said = { ...waiting, status: "withdrawn" };
const sent: Said = { ...waiting, status: "sent", message_id: "9" };

const FIRST = { delivery_id: "d", page: 1 };

describe("while Telegram does not take it", () => {
  it("the run comes back to look again", async () => {
    expect(await tryOnce(waiting)).toEqual({ end: "upstream_unavailable", taken: 0 });
  });

  it("the last try takes it back: it has failed, and will not be sent after all", async () => {
    expect(await tryOnce(waiting, { last_attempt: true, withdrawn })).toEqual({ end: "upstream_unavailable", taken: 1 });
  });

  it("unless it was sent meanwhile, or is being sent at that moment", async () => {
    expect(await tryOnce(waiting, { last_attempt: true, withdrawn: sent })).toMatchObject({ end: { message_id: "9" } });
    expect(await tryOnce(waiting, { last_attempt: true })).toMatchObject({ end: "outcome_unknown" });
    expect(await tryOnce(waiting, { last_attempt: true, withdrawn: { ...waiting, status: "unknown" } })).toMatchObject({
      end: "outcome_unknown",
    });
  });

  it("whoever cancels it hears that nothing was sent, or that it was", async () => {
    expect(await tryOnce(waiting, { cancelled: true, withdrawn })).toEqual({ end: "cancelled", taken: 1 });
    expect(await tryOnce(waiting, { cancelled: true, withdrawn: sent })).toMatchObject({ end: { message_id: "9" } });
    expect(await tryOnce(waiting, { cancelled: true })).toMatchObject({ end: "outcome_unknown" });
  });
});

describe("telegram_send", () => {
  it("says it in that chat as it was written, and tells the asker", async () => {
    const { op, other } = desk();
    await op.says("/telegram_send 77 The <b>backup</b> is done");
    expect(other.heard).toEqual(["The <b>backup</b> is done"]);
    op.hears(/^Sent to 77$/);
  });

  it("shows no markup, no sign and no emphasis, up to 4,096 characters whole", async () => {
    const { op, deliveries, texts } = desk();
    const words = `<i>&${"&".repeat(4_092)}`;
    expect((await op.calls("telegram_send", { chat_id: -1001234567890, text: words })).kind).toBe("queued");
    const said = deliveries.all().find(({ reply_to }) => reply_to.address === "-1001234567890");
    const { text: html } = renderTelegram(plain(said?.reply ?? { tone: "ok", title: text("") }, texts, "en", "UTC"), FIRST);
    expect(html).toBe(`&lt;i&gt;${"&amp;".repeat(4_093)}`);
  });

  it("sends nothing twice, however often it is tried", async () => {
    const { op, other, work, runs, passes } = desk();
    await op.says("/telegram_send 77 once");
    await op.repeats();
    const [run] = await runs.list({ limit: 1 });
    await work(run?.run_id ?? "");
    await passes(ALL_TRIES_MS);
    expect(other.heard).toEqual(["once"]);
  });

  it("says Telegram's reason where it refuses", async () => {
    const { op, deliveries, runs } = desk();
    deliveries.refuses("404", { code: "upstream_refused", text: text("telegram.refused", { reason: "Bad Request: chat not found" }) });
    await op.says("/telegram_send 404 hello");
    op.hears(/^Telegram did not take the message: Bad Request: chat not found\nRun: /);
    expect((await runs.list({ limit: 1 }))[0]).toMatchObject({ status: "failed", error: { code: "upstream_refused" } });
  });

  it("is off without Telegram, and stores nothing then", async () => {
    const { op, runs } = desk({ telegram: false });
    expect(codeOf(await op.says("/telegram_send 77 hello"))).toBe("upstream_refused");
    op.hears("An admin turns it on with TELEGRAM_BOT_TOKEN.");
    expect(await runs.list({ limit: 1 })).toEqual([]);
  });

  it.each([
    [{ chat_id: "kim", text: "x" }, "A chat is a number"],
    [{ chat_id: "", text: "x" }, "A chat is a number"],
    [{ chat_id: 1.5, text: "x" }, "A chat is a number"],
    [{ chat_id: "0", text: "x" }, "A chat is a number"],
    [{ chat_id: null, text: "x" }, "A chat is a number"],
    [{ chat_id: 1e21, text: "x" }, "A chat is a number"],
    [{ chat_id: 77, text: " \n " }, "There is nothing to say."],
    [{ chat_id: 77, text: "\u200b\u2060\ufeff" }, "There is nothing to say."],
    [{ chat_id: 77, text: "x".repeat(4_097) }, "text is too long"],
    [{ chat_id: 77, text: "a\u0000b" }, "text holds a control character"],
    [{ chat_id: 77 }, "text is missing"],
  ])("refuses %j", async (input, words) => {
    const { op, runs } = desk();
    expect(codeOf(await op.calls("telegram_send", input))).toBe("invalid_input");
    op.hears(words);
    expect(await runs.list({ limit: 1 })).toEqual([]);
  });

  it("is for operators", async () => {
    const opened = desk();
    expect(codeOf(await opened.person("telegram:1003", "viewer").says("/telegram_send 77 x"))).toBe("forbidden");
  });
});
