import { isDeepStrictEqual } from "node:util";
import { type Bot, findChat, type Method, messageView, takeChat, takeTopic } from "../bot.ts";
import { markupParam } from "../keyboard.ts";
import { booleanParam, integerParam, jsonParam, messageParam, type Params, textParam } from "../params.ts";
import { badRequest } from "../refusal.ts";
import { formattedTextParam } from "../text.ts";
import type { StoredMessage } from "../types.ts";

const NOT_MODIFIED =
  "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";
/** A bot may delete for so long: https://core.telegram.org/bots/api#deletemessage */
const DELETE_WITHIN_S = 48 * 3_600;

/** Now, as messages have it. */
export const seconds = (bot: Bot) => Math.floor(bot.now() / 1_000);

/** The message that a call replies to. */
export function replyTarget(bot: Bot, params: Params, chatId: number): number | undefined {
  const given = jsonParam(params, "reply_parameters", "reply parameters") ?? {};
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw badRequest("object expected as reply parameters");
  const nested = given as Params;
  const id = integerParam(nested, "message_id") ?? integerParam(params, "reply_to_message_id");
  if (id === undefined || bot.store.messages.get(chatId)?.has(id)) return id;
  if (booleanParam(nested, "allow_sending_without_reply") || booleanParam(params, "allow_sending_without_reply")) return undefined;
  throw badRequest("message to be replied not found");
}

/** https://core.telegram.org/bots/api#sendmessage */
export const sendMessage: Method = (bot, params) => {
  const { text, entities, html } = formattedTextParam(params, "message is too long");
  const reply_markup = markupParam(params);
  const { id: chat_id } = takeChat(bot, params);
  const thread_id = takeTopic(bot, params, chat_id);
  const reply_to = replyTarget(bot, params, chat_id);
  const message_id = bot.store.lastMessageId(chat_id) + 1;
  const content = { text, entities, html, reply_markup };
  const message = { message_id, chat_id, from: bot.self, date: seconds(bot), edited: 0, ...content, reply_to, thread_id };
  return { result: messageView(bot.store, message), changes: [{ type: "message", message }], message_id };
};

function findOwn(bot: Bot, chatId: number, messageId: number): StoredMessage {
  const message = bot.store.messages.get(chatId)?.get(messageId);
  if (!message) throw badRequest("message to edit not found");
  if (message.from.id !== bot.self.id) throw badRequest("message can't be edited");
  return message;
}

type Content = Pick<StoredMessage, "text" | "entities" | "reply_markup">;

/** Through JSON, as the log keeps it: a message that was read back must be equal to one that was not. */
function contentOf({ text, entities, reply_markup }: Content): unknown {
  return JSON.parse(JSON.stringify({ text, entities, reply_markup }));
}

function edit(bot: Bot, message: StoredMessage, change: Partial<StoredMessage>): ReturnType<Method> {
  const edited = { ...message, ...change };
  if (isDeepStrictEqual(contentOf(edited), contentOf(message))) throw badRequest(NOT_MODIFIED);
  const next = { ...edited, edited: message.edited + 1, edit_date: seconds(bot) };
  return { result: messageView(bot.store, next), changes: [{ type: "message", message: next }], message_id: message.message_id };
}

/** https://core.telegram.org/bots/api#editmessagetext; a keyboard that is not given is taken away, as in the real API. */
export const editMessageText: Method = (bot, params) => {
  const { text, entities, html } = formattedTextParam(params, "MESSAGE_TOO_LONG");
  const reply_markup = markupParam(params);
  const messageId = messageParam(params);
  const { id } = takeChat(bot, params);
  const message = findOwn(bot, id, messageId);
  if (message.document || message.photo) throw badRequest("there is no text in the message to edit");
  return edit(bot, message, { text, entities, html, reply_markup });
};

/** https://core.telegram.org/bots/api#editmessagereplymarkup */
export const editMessageReplyMarkup: Method = (bot, params) => {
  const reply_markup = markupParam(params);
  const messageId = messageParam(params);
  const { id } = takeChat(bot, params);
  return edit(bot, findOwn(bot, id, messageId), { reply_markup });
};

/** https://core.telegram.org/bots/api#deletemessage; the bot is no administrator, so in a group it deletes only what it said itself. */
export const deleteMessage: Method = (bot, params) => {
  const message_id = messageParam(params);
  const { id: chat_id, type } = findChat(bot, params);
  const message = bot.store.messages.get(chat_id)?.get(message_id);
  if (!message) throw badRequest("message to delete not found");
  const own = message.from.id === bot.self.id;
  if ((!own && type !== "private") || seconds(bot) - message.date > DELETE_WITHIN_S) throw badRequest("message can't be deleted");
  return { result: true, changes: [{ type: "deleted", chat_id, message_id }], message_id };
};

const ACTIONS = new Set(
  "typing upload_photo record_video upload_video record_voice upload_voice upload_document choose_sticker find_location record_video_note upload_video_note".split(
    " ",
  ),
);

/** https://core.telegram.org/bots/api#sendchataction */
export const sendChatAction: Method = (bot, params) => {
  if (!ACTIONS.has(textParam(params, "action"))) throw badRequest("wrong parameter action in request");
  findChat(bot, params);
  return { result: true };
};

/** https://core.telegram.org/bots/api#getchat */
export const getChat: Method = (bot, params) => ({
  result: { ...findChat(bot, params), accent_color_id: 0, max_reaction_count: 11 },
});
