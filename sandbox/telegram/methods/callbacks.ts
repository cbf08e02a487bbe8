import type { Method } from "../bot.ts";
import { booleanParam, textParam } from "../params.ts";
import { badRequest } from "../refusal.ts";

/** How long a query may be answered. The real limit is not documented; it is of this order. */
const ANSWER_WITHIN_MS = 60_000;
/** https://core.telegram.org/bots/api#answercallbackquery */
const ANSWER_CHARS = 200;

/** https://core.telegram.org/bots/api#answercallbackquery; a query is answered once. */
export const answerCallbackQuery: Method = (bot, params) => {
  const callback = bot.store.callbacks.get(textParam(params, "callback_query_id"));
  const text = textParam(params, "text");
  if (text.length > ANSWER_CHARS) throw badRequest("MESSAGE_TOO_LONG");
  const open = callback && callback.answered_at === undefined && bot.now() - callback.asked_at <= ANSWER_WITHIN_MS;
  if (!open) throw badRequest("query is too old and response timeout expired or query ID is invalid");
  const answered = { ...callback, answered_at: bot.now(), text: text || undefined, show_alert: booleanParam(params, "show_alert") };
  return { result: true, changes: [{ type: "callback", callback: answered }] };
};
