import { z } from "zod";
import { check, invalid } from "../problem.ts";
import { arrive, chatId, personSchema, queue, seconds, userOf } from "./arrivals.ts";
import { type Bot, messageView } from "./bot.ts";
import { storeFile, UPLOAD_BYTES } from "./files.ts";
import { CAPTION_CHARS, findEntities, MESSAGE_CHARS } from "./text.ts";
import type { Change, Chat, StoredFile, StoredMessage, User } from "./types.ts";

const documentSchema = z.strictObject({
  file_name: z.string().min(1).max(255),
  mime_type: z.string().max(127).default("text/plain"),
  content: z.string().max(UPLOAD_BYTES),
  /** How `content` is written: as it is, or for bytes that are no text in base64. */
  encoding: z.enum(["utf8", "base64"]).default("utf8"),
});

const messageSchema = z
  .strictObject({
    chat_id: chatId,
    from: personSchema,
    /** With a document its caption. */
    text: z.string().min(1).max(MESSAGE_CHARS).optional(),
    document: documentSchema.optional(),
    reply_to_message_id: z.int().min(1).optional(),
    /** A topic of the forum that the supergroup then is. */
    message_thread_id: z.int().min(1).optional(),
    /** An administrator who writes in the group's name. */
    anonymous: z.boolean().optional(),
  })
  .refine(({ text, document }) => text !== undefined || document, { path: ["text"], message: "needed, unless there is a document" })
  .refine(({ text = "", document }) => !document || text.length <= CAPTION_CHARS, {
    path: ["text"],
    message: "a caption has at most 1024",
  });
type Said = z.output<typeof messageSchema>;

/** Who speaks for a group's anonymous administrators: https://core.telegram.org/bots/api#message, sender_chat. */
const GROUP_BOT: User = { id: 1_087_968_824, is_bot: true, first_name: "Group", username: "GroupAnonymousBot" };

/** Somebody writes to the bot, or in a group where it reads along. */
export function say(bot: Bot, body: unknown): { update_id: number } {
  const said = check(messageSchema, body);
  const { chat_id, reply_to_message_id: reply_to, message_thread_id: thread_id, text = "" } = said;
  const user = userOf(said.from);
  const { chat: known, changes } = arrive(bot, chat_id, user);
  if (reply_to !== undefined && !bot.store.messages.get(chat_id)?.has(reply_to))
    throw invalid("reply_to_message_id", "no such message in this chat");
  const chat = forumOf(known, thread_id);
  const file = said.document && storeFile(bot, toFile(said.document));
  const message: StoredMessage = {
    message_id: bot.store.lastMessageId(chat_id) + 1,
    ...{ chat_id, reply_to, thread_id, text, edited: 0, date: seconds(bot) },
    ...senderOf(said, { chat, user }),
    document: file?.document,
    entities: findEntities(text),
  };
  const news: Change[] = [...changes, { type: "chat", chat }, ...filed(file), { type: "message", message }];
  return queue(bot, { message: { ...messageView(bot.store, message), chat } }, news);
}

function forumOf(chat: Chat, thread_id: number | undefined): Chat {
  if (thread_id === undefined) return chat;
  if (chat.type !== "supergroup") throw invalid("message_thread_id", "only a supergroup (an id below -1000000000000) has topics");
  return { ...chat, is_forum: true };
}

function senderOf({ anonymous }: Said, { chat, user }: { chat: Chat; user: User }): Pick<StoredMessage, "from" | "sender_chat"> {
  if (!anonymous) return { from: user };
  if (chat.type === "private") throw invalid("anonymous", "only in a group somebody writes in its name");
  return { from: GROUP_BOT, sender_chat: chat };
}

function toFile({ file_name: name, mime_type: media_type, content, encoding }: z.output<typeof documentSchema>) {
  return { name, media_type, bytes: Buffer.from(content, encoding) };
}

function filed(file: StoredFile | undefined): Change[] {
  return file ? [{ type: "file", file }] : [];
}
