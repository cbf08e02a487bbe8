import { type Bot, type Method, messageView, takeChat, takeTopic } from "../bot.ts";
import { DOWNLOAD_BYTES, documentParam } from "../files.ts";
import { markupParam } from "../keyboard.ts";
import { type Params, textParam } from "../params.ts";
import { photoParam } from "../photos.ts";
import { badRequest } from "../refusal.ts";
import { captionParam } from "../text.ts";
import type { Change, StoredMessage } from "../types.ts";
import { replyTarget, seconds } from "./messages.ts";

/** A message with a file, and a caption under it. */
function sendWith(
  file: (bot: Bot, params: Params) => Pick<StoredMessage, "document" | "photo"> & { readonly changes: readonly Change[] },
): Method {
  return (bot, params) => {
    const { text, entities, html } = captionParam(params);
    const reply_markup = markupParam(params);
    const { changes, ...shown } = file(bot, params);
    const { id: chat_id } = takeChat(bot, params);
    const thread_id = takeTopic(bot, params, chat_id);
    const reply_to = replyTarget(bot, params, chat_id);
    const message_id = bot.store.lastMessageId(chat_id) + 1;
    const content = { text, entities, html, ...shown, reply_markup };
    const message = { message_id, chat_id, from: bot.self, date: seconds(bot), edited: 0, ...content, reply_to, thread_id };
    return { result: messageView(bot.store, message), changes: [...changes, { type: "message", message }], message_id };
  };
}

/** https://core.telegram.org/bots/api#senddocument */
export const sendDocument = sendWith(documentParam);

/** https://core.telegram.org/bots/api#sendphoto */
export const sendPhoto = sendWith(photoParam);

/** https://core.telegram.org/bots/api#getfile */
export const getFile: Method = ({ store }, params) => {
  const file = store.files.get(textParam(params, "file_id"));
  if (!file) throw badRequest("invalid file_id");
  const { file_id, file_unique_id, file_size } = file.document;
  if (file_size > DOWNLOAD_BYTES) throw badRequest("file is too big");
  return { result: { file_id, file_unique_id, file_size, file_path: file.path } };
};
