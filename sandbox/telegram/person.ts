import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { check, invalid, Problem } from "../problem.ts";
import { arrive, chatId, personSchema, queue, seconds, userOf } from "./arrivals.ts";
import { type Bot, messageView } from "./bot.ts";
import { UPLOAD_BYTES } from "./files.ts";
import { menuFor } from "./methods/commands.ts";
import { say } from "./says.ts";
import type { Change, Chat, StoredMessage } from "./types.ts";

const callbackSchema = z.strictObject({ chat_id: chatId, message_id: z.int().min(1), data: z.string().min(1), from: personSchema });
const redeliverSchema = z.strictObject({ update_id: z.int() });
const blockSchema = z.strictObject({ user_id: z.int().min(1), blocked: z.boolean() });
const migrateSchema = z.strictObject({ chat_id: z.int().max(-1) });
const menuSchema = z.strictObject({
  chat_id: z.coerce.number().int(),
  language_code: z.string().default(""),
  /** In a group; in private it is the chat's own. */
  user_id: z.coerce.number().int().optional(),
});
const listSchema = z.strictObject({
  chat_id: z.coerce.number().int().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
});

function press(bot: Bot, body: unknown): { update_id: number } {
  const { chat_id, message_id, data, from } = check(callbackSchema, body);
  const user = userOf(from);
  const { changes } = arrive(bot, chat_id, user);
  const message = bot.store.messages.get(chat_id)?.get(message_id);
  if (!message) throw invalid("message_id", "no such message in this chat");
  const buttons = message.reply_markup?.inline_keyboard?.flat() ?? [];
  if (!buttons.some(({ callback_data }) => callback_data === data)) throw invalid("data", "the message has no button with this data now");
  const id = `${bot.store.lastUpdateId() + 1}${String(message_id).padStart(6, "0")}`;
  const callback = { callback_query_id: id, chat_id, message_id, from_id: user.id, data, asked_at: bot.now() };
  const query = { id, from: user, message: messageView(bot.store, message), chat_instance: String(chat_id), data };
  return queue(bot, { callback_query: query }, [...changes, { type: "callback", callback }]);
}

function redeliver(bot: Bot, body: unknown): { update_id: number } {
  const { update_id } = check(redeliverSchema, body);
  if (!bot.store.recent.has(update_id)) throw new Problem(404, "not_found", "no such update, or too long ago");
  bot.commit({ kind: "person" }, [{ type: "redeliver", update_id }]);
  return { update_id };
}

function block(bot: Bot, body: unknown): { update_id: number } {
  const { user_id, blocked } = check(blockSchema, body);
  const chat = bot.store.chats.get(user_id);
  if (!chat) throw invalid("user_id", "this person never wrote to the bot");
  const member = (status: string) => ({ user: bot.self, status, ...(status === "kicked" ? { until_date: 0 } : {}) });
  const [before, after] = blocked ? ["member", "kicked"] : ["kicked", "member"];
  const news = { chat, from: bot.store.users.get(user_id), date: seconds(bot) };
  const my_chat_member = { ...news, old_chat_member: member(before ?? ""), new_chat_member: member(after ?? "") };
  return queue(bot, { my_chat_member }, [{ type: "blocked", user_id, blocked }]);
}

function migrate(bot: Bot, body: unknown): { chat_id: number; update_id: number } {
  const { chat_id } = check(migrateSchema, body);
  const chat = bot.store.chats.get(chat_id);
  if (chat?.type !== "group" || bot.store.migrated.has(chat_id)) throw invalid("chat_id", "no such group that could become a supergroup");
  const to = -1_000_000_000_000 + chat_id;
  const message = { message_id: bot.store.lastMessageId(chat_id) + 1, chat, date: seconds(bot), migrate_to_chat_id: to };
  const supergroup: Chat = { ...chat, id: to, type: "supergroup" };
  const changes: Change[] = [
    { type: "chat", chat: supergroup },
    { type: "migrated", from: chat_id, to },
  ];
  const told = queue(bot, { message }, changes);
  // The supergroup hears of it too.
  queue(bot, { message: { message_id: 1, chat: supergroup, date: seconds(bot), migrate_from_chat_id: chat_id } }, []);
  return { chat_id: to, ...told };
}

/** What the bot has said and not deleted, in order, with what its buttons are now. */
function listMessages({ store, self }: Bot, query: unknown): { messages: unknown[] } {
  const { chat_id, limit } = check(listSchema, query);
  const chats = chat_id === undefined ? [...store.messages.values()] : [store.messages.get(chat_id) ?? new Map<number, StoredMessage>()];
  const own = chats.flatMap((chat) => [...chat.values()].filter(({ from }) => from.id === self.id));
  const messages = own.map(({ from: _bot, reply_markup, html, reply_to, thread_id, document, photo, ...message }) => ({
    ...message,
    ...(html === undefined ? {} : { html }),
    ...(reply_to === undefined ? {} : { reply_to_message_id: reply_to }),
    ...(thread_id === undefined ? {} : { message_thread_id: thread_id }),
    ...fileView(store, { document, photo }),
    buttons: reply_markup?.inline_keyboard ?? [],
    ...(reply_markup && !reply_markup.inline_keyboard ? { reply_markup } : {}),
  }));
  return { messages: limit === undefined ? messages : messages.slice(-limit) };
}

/** A file as its reader sees it; a photo in its largest size, as base64. */
function fileView({ files }: Bot["store"], { document, photo }: Pick<StoredMessage, "document" | "photo">) {
  const base64 = (file_id: string) => files.get(file_id)?.base64 ?? "";
  const largest = photo?.at(-1);
  return {
    ...(document && { document: { ...document, content: Buffer.from(base64(document.file_id), "base64").toString() } }),
    ...(largest && { photo: { ...largest, mime_type: files.get(largest.file_id)?.document.mime_type, base64: base64(largest.file_id) } }),
  };
}

/** What stands behind "/" for somebody, as their client resolves it. */
function menu(bot: Bot, query: unknown): unknown {
  const { chat_id, language_code, user_id = chat_id } = check(menuSchema, query);
  return menuFor(bot, { chat_id, user_id, language: language_code.slice(0, 2) });
}

/** Adds the person's side: what people on Telegram do, and what they see. */
export function telegramPersonRoutes(app: FastifyInstance, bot: Bot): void {
  const post = (path: string, act: (bot: Bot, body: unknown) => unknown) =>
    app.post(path, { bodyLimit: UPLOAD_BYTES }, async (request, reply) => reply.code(201).send(act(bot, request.body)));
  post("/messages", say);
  post("/callbacks", press);
  post("/redeliver", redeliver);
  post("/blocks", block);
  post("/migrate", migrate);
  app.get("/messages", async ({ query }) => listMessages(bot, query));
  app.get("/callbacks", async () => ({
    callbacks: [...bot.store.callbacks.values()].map((callback) => ({ ...callback, answered: callback.answered_at !== undefined })),
  }));
  app.get("/menu", async ({ query }) => menu(bot, query));
  app.get("/commands", async () => ({ commands: Object.fromEntries(bot.store.commands) }));
}
