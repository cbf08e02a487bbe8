import { z } from "zod";
import { isCancelled } from "../../core/cancelled.ts";
import { type CommandContext, defineCommand } from "../../core/command.ts";
import type { Said } from "../../core/desk-ports.ts";
import { OpsError } from "../../core/errors.ts";
import { raw, text } from "../../core/reply.ts";
import { wordsOf } from "../../core/run.ts";
import { repairCharacters } from "../../core/text/characters.ts";

/** Longest text of a message (https://core.telegram.org/bots/api#sendmessage). */
const TEXT_CHARS = 4_096;
/** What one try waits for Telegram, in milliseconds; usually it takes less than one second. A worker has better to do than to wait for minutes. */
const WAIT_MS = 5_000;
/** With the worker's backoff about a quarter of an hour, in which Telegram may come back. */
const ATTEMPTS = 20;

const chat = z
  .union([z.string(), z.number()], { error: "text:telegram_send.bad_chat" })
  .transform((given) => String(given).trim())
  .refine((given) => /^-?[1-9]\d{0,15}$/.test(given), "text:telegram_send.bad_chat");

/** Says something in a chat of Telegram, as it was written. One message a run, however often the run is tried. */
export const telegramSend = defineCommand({
  name: "telegram send",
  aliases: [],
  summary: { en: "Send a message to a Telegram chat", ko: "텔레그램 채팅에 메시지 보내기", ru: "Отправить сообщение в чат Telegram" },
  phrases: { en: ["send a telegram message"], ko: ["텔레그램 메시지 보내 줘"], ru: ["отправь сообщение в телеграм"] },
  examples: {
    en: ["telegram_send 1001 The backup is done", "telegram_send -1001234567890 Maintenance at 22:00"],
    ko: ["telegram_send 1001 백업이 끝났습니다"],
    ru: ["telegram_send 1001 Резервная копия готова"],
  },
  input: z.object({
    chat_id: chat.meta({ description: "The chat's number; a group's is negative", examples: ["1001", "-1001234567890"] }),
    text: z
      .string()
      .max(TEXT_CHARS)
      // Telegram shows nothing of characters that have no width, and refuses a message that holds no others.
      .refine((words) => repairCharacters(words) !== "", "text:telegram_send.empty")
      .describe("What to say, up to 4,096 characters"),
  }),
  output: z.object({ chat_id: z.string(), message_id: z.string().nullable() }),
  positional: ["chat_id", "text"],
  role: "operator",
  effect: "write",
  execution: { mode: "queued", timeout_ms: 60_000, attempts: ATTEMPTS },
  check(_input, { outbox }) {
    if (!outbox.reaches("telegram")) throw new OpsError("upstream_refused", "Telegram is off", { text: text("telegram_send.off") });
  },
  async handle({ chat_id, text: words }, context) {
    const { outbox } = context.ports;
    const message = wordsOf(context.run_id);
    const to = { platform: "telegram", address: chat_id };
    const caused_by = context.person.person_id;
    const reply = { tone: "plain", title: raw(words) } as const;
    await outbox.say({ ...message, to, reply, caused_by });
    const said = await outbox.wait(message.delivery_id, WAIT_MS, context.signal);
    const isLast = context.last_attempt || isCancelled(context.signal);
    const end = (said.status === "waiting" && isLast ? await outbox.withdraw(message.delivery_id) : null) ?? said;
    if (end.status !== "sent") throw failureOf(end, chat_id, context);
    return { chat_id, message_id: end.message_id };
  },
  present: ({ chat_id }) => ({ tone: "ok", title: text("telegram_send.done", { chat_id }) }),
});

/** What it means that a message was not sent, or is not sent yet. */
function failureOf({ status, error }: Said, chat_id: string, { signal, last_attempt }: CommandContext): OpsError {
  switch (status) {
    case "failed":
      return new OpsError("upstream_refused", `Telegram refused the message to ${chat_id}`, error ? { text: error.text } : {});
    case "withdrawn":
      if (isCancelled(signal)) return new OpsError("cancelled", "it was taken back in time");
      return new OpsError("upstream_unavailable", "Telegram did not take it in time", {
        text: text("telegram_send.withdrawn", { chat_id }),
      });
    case "waiting":
      // Somebody is sending it at this very moment, and no try is left to look again.
      if (!last_attempt && !isCancelled(signal)) return new OpsError("upstream_unavailable", `the message to ${chat_id} waits`);
      return unknown(chat_id);
    default:
      return unknown(chat_id);
  }
}

function unknown(chat_id: string): OpsError {
  return new OpsError("outcome_unknown", `nobody knows whether ${chat_id} got it`, { text: text("telegram_send.unknown", { chat_id }) });
}
