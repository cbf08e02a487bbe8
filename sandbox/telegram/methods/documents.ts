import { type Method, messageView, takeChat, takeTopic } from "../bot.ts";
import { DOWNLOAD_BYTES, documentParam } from "../files.ts";
import { markupParam } from "../keyboard.ts";
import { textParam } from "../params.ts";
import { badRequest } from "../refusal.ts";
import { captionParam } from "../text.ts";
import { replyTarget, seconds } from "./messages.ts";

/** https://core.telegram.org/bots/api#senddocument */
export const sendDocument: Method = (bot, params) => {
  const { text, entities, html } = captionParam(params);
  const reply_markup = markupParam(params);
  const { document, changes } = documentParam(bot, params);
  const { id: chat_id } = takeChat(bot, params);
  const thread_id = takeTopic(bot, params, chat_id);
  const reply_to = replyTarget(bot, params, chat_id);
  const message_id = bot.store.lastMessageId(chat_id) + 1;
  const content = { text, entities, html, document, reply_markup };
  const message = { message_id, chat_id, from: bot.self, date: seconds(bot), edited: 0, ...content, reply_to, thread_id };
  return { result: messageView(bot.store, message), changes: [...changes, { type: "message", message }], message_id };
};

/** https://core.telegram.org/bots/api#getfile */
export const getFile: Method = ({ store }, params) => {
  const file = store.files.get(textParam(params, "file_id"));
  if (!file) throw badRequest("invalid file_id");
  const { file_id, file_unique_id, file_size } = file.document;
  if (file_size > DOWNLOAD_BYTES) throw badRequest("file is too big");
  return { result: { file_id, file_unique_id, file_size, file_path: file.path } };
};
