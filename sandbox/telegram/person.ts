import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { check, invalid, Problem } from "../problem.ts";
import { type Bot, messageView } from "./bot.ts";
import { findEntities, MESSAGE_CHARS } from "./text.ts";
import type { Change, Chat, StoredMessage, Update, User } from "./types.ts";

const personSchema = z.strictObject({
  id: z.int().min(1),
  username: z
    .string()
    .regex(/^\w{1,32}$/, "letters, digits and _, at most 32")
    .optional(),
  first_name: z.string().min(1).max(64).optional(),
  language_code: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, "a language code like en")
    .optional(),
});
type Person = z.output<typeof personSchema>;

const chatId = z.int().refine((id) => id !== 0, "not zero: a person's id, or a negative one for a group");
const messageSchema = z.strictObject({
  chat_id: chatId,
  from: personSchema,
  text: z.string().min(1).max(MESSAGE_CHARS),
  reply_to_message_id: z.int().min(1).optional(),
});
const callbackSchema = z.strictObject({ chat_id: chatId, message_id: z.int().min(1), data: z.string().min(1), from: personSchema });
const redeliverSchema = z.strictObject({ update_id: z.int() });
const blockSchema = z.strictObject({ user_id: z.int().min(1), blocked: z.boolean() });
const migrateSchema = z.strictObject({ chat_id: z.int().max(-1) });
const listSchema = z.strictObject({
  chat_id: z.coerce.number().int().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
});

function userOf({ id, username, first_name, language_code }: Person): User {
  return { id, is_bot: false, first_name: first_name ?? username ?? `User ${id}`, username, language_code };
}

/** A private chat is named by its person, a group by its id; what Telegram calls a supergroup has an id below -100.... */
function chatOf(id: number, user: User): Chat {
  if (id > 0) return { id, type: "private", first_name: user.first_name, username: user.username };
  return { id, type: id <= -1_000_000_000_000 ? "supergroup" : "group", title: `Group ${-id}` };
}

/** The person and the place, as far as they are news. Throws 422 for a private chat that is another's. */
function arrive({ store }: Bot, id: number, user: User): { readonly chat: Chat; readonly changes: Change[] } {
  if (id > 0 && id !== user.id) throw invalid("chat_id", "a private chat has the id of its person: from.id, or a negative id for a group");
  if (store.migrated.has(id)) throw invalid("chat_id", `this group became ${store.migrated.get(id)}`);
  const chat = id > 0 ? chatOf(id, user) : (store.chats.get(id) ?? chatOf(id, user));
  // Who writes to a bot has let it in again.
  const unblocked: Change[] = id > 0 && store.blocked.has(id) ? [{ type: "blocked", user_id: id, blocked: false }] : [];
  return { chat, changes: [{ type: "user", user }, { type: "chat", chat }, ...unblocked] };
}

const seconds = (bot: Bot) => Math.floor(bot.now() / 1_000);

function queue(bot: Bot, content: Readonly<Record<string, unknown>>, changes: readonly Change[]): { update_id: number } {
  const update: Update = { update_id: bot.store.lastUpdateId() + 1, ...content };
  bot.commit({ kind: "person" }, [...changes, { type: "update", update }]);
  return { update_id: update.update_id };
}

function say(bot: Bot, body: unknown): { update_id: number } {
  const { chat_id, from, text, reply_to_message_id: reply_to } = check(messageSchema, body);
  const user = userOf(from);
  const { chat, changes } = arrive(bot, chat_id, user);
  if (reply_to !== undefined && !bot.store.messages.get(chat_id)?.has(reply_to))
    throw invalid("reply_to_message_id", "no such message in this chat");
  const message_id = bot.store.lastMessageId(chat_id) + 1;
  const message: StoredMessage = {
    message_id,
    chat_id,
    from: user,
    date: seconds(bot),
    edited: 0,
    text,
    entities: findEntities(text),
    reply_to,
  };
  return queue(bot, { message: { ...messageView(bot.store, message), chat } }, [...changes, { type: "message", message }]);
}

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
  const changes: Change[] = [
    { type: "chat", chat: { ...chat, id: to, type: "supergroup" } },
    { type: "migrated", from: chat_id, to },
  ];
  return { chat_id: to, ...queue(bot, { message }, changes) };
}

/** What the bot has said and not deleted, in order, with what its buttons are now. */
function listMessages({ store, self }: Bot, query: unknown): { messages: unknown[] } {
  const { chat_id, limit } = check(listSchema, query);
  const chats = chat_id === undefined ? [...store.messages.values()] : [store.messages.get(chat_id) ?? new Map<number, StoredMessage>()];
  const own = chats.flatMap((chat) => [...chat.values()].filter(({ from }) => from.id === self.id));
  const messages = own.map(({ from: _bot, reply_markup, html, reply_to, ...message }) => ({
    ...message,
    ...(html === undefined ? {} : { html }),
    ...(reply_to === undefined ? {} : { reply_to_message_id: reply_to }),
    buttons: reply_markup?.inline_keyboard ?? [],
    ...(reply_markup && !reply_markup.inline_keyboard ? { reply_markup } : {}),
  }));
  return { messages: limit === undefined ? messages : messages.slice(-limit) };
}

/** Adds the person's side: what people on Telegram do, and what they see. */
export function telegramPersonRoutes(app: FastifyInstance, bot: Bot): void {
  const post = (path: string, act: (bot: Bot, body: unknown) => unknown) =>
    app.post(path, async (request, reply) => reply.code(201).send(act(bot, request.body)));
  post("/messages", say);
  post("/callbacks", press);
  post("/redeliver", redeliver);
  post("/blocks", block);
  post("/migrate", migrate);
  app.get("/messages", async ({ query }) => listMessages(bot, query));
  app.get("/callbacks", async () => ({
    callbacks: [...bot.store.callbacks.values()].map((callback) => ({ ...callback, answered: callback.answered_at !== undefined })),
  }));
  app.get("/commands", async () => ({ commands: Object.fromEntries(bot.store.commands) }));
}
