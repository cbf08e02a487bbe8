import type { EmulatorDeps } from "../emulator.ts";
import type { LogEntry } from "../log.ts";
import { type Budget, createBudget, type TelegramLimits } from "./limits.ts";
import { chatParam, integerParam, type Params } from "./params.ts";
import { badRequest, Refusal, tooMany } from "./refusal.ts";
import { createStore, type Store } from "./store.ts";
import type { Change, Chat, StoredMessage, User } from "./types.ts";

/** The bot and its world: what the methods of the API and the person's side work on. */
export interface Bot {
  readonly self: User;
  readonly store: Store;
  readonly budget: Budget;
  /** Milliseconds since 1970. */
  now(): number;
  ticks(): number;
  /** Writes an entry with its changes to the log, then makes them true. Nothing may be answered before. */
  commit(entry: LogEntry, changes: readonly Change[]): void;
  /** Calls `listener` after each commit that queued an update, or set or took away a webhook. Long polling and push.ts listen. */
  onUpdate(listener: () => void): void;
}

/** What a method gives back. */
export interface Outcome {
  readonly result: unknown;
  /** A remark that some answers carry besides the result. */
  readonly description?: string;
  readonly changes?: readonly Change[];
  /** For the log. */
  readonly message_id?: number;
}

/** One method of the Bot API. It throws a `Refusal`. */
export type Method = (bot: Bot, params: Params) => Outcome;

const NEWS: ReadonlySet<Change["type"]> = new Set(["update", "redeliver", "webhook"]);

/** A bot named by its token, with the state that its log holds. */
export function createBot({ log, now, ticks }: EmulatorDeps, { token, limits }: { token: string; limits: TelegramLimits }): Bot {
  const store = createStore(Math.floor(now() / 1_000));
  const listeners: (() => void)[] = [];
  log.replay((entry) => {
    for (const change of (entry["changes"] ?? []) as readonly Change[]) store.apply(change);
  });
  return {
    self: { id: Number(token.split(":")[0]), is_bot: true, first_name: "Switchboard", username: "switchboard_sandbox_bot" },
    store,
    budget: createBudget(limits),
    now,
    ticks,
    commit(entry, changes) {
      log.append({ at: new Date(now()).toISOString(), ...entry, ...(changes.length > 0 ? { changes } : {}) });
      for (const change of changes) store.apply(change);
      if (changes.some(({ type }) => NEWS.has(type))) for (const listener of listeners) listener();
    },
    onUpdate: (listener) => void listeners.push(listener),
  };
}

/** The chat of a call. Throws what Telegram says when the bot may not talk there. */
export function findChat({ store }: Bot, params: Params): Chat {
  const id = chatParam(params);
  const supergroup = store.migrated.get(id);
  if (supergroup !== undefined) {
    throw new Refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", { migrate_to_chat_id: supergroup });
  }
  const chat = store.chats.get(id);
  if (chat) return chat;
  // Someone the bot has seen in a group only: it may not write first.
  if (store.users.has(id)) throw new Refusal(403, "Forbidden: bot can't initiate conversation with a user");
  throw badRequest("chat not found");
}

/** The chat that something is said in or edited in; takes one from the budget. Throws also 403 of who blocked the bot, and 429. */
export function takeChat(bot: Bot, params: Params): Chat {
  const chat = findChat(bot, params);
  if (bot.store.blocked.has(chat.id)) throw new Refusal(403, "Forbidden: bot was blocked by the user");
  const wait = bot.budget.take(chat.id, bot.ticks());
  if (wait > 0) throw tooMany(wait);
  return chat;
}

/** The topic that a call names; it must be one. */
export function takeTopic({ store }: Bot, params: Params, chatId: number): number | undefined {
  const topic = integerParam(params, "message_thread_id");
  if (topic === undefined || store.topics.has(`${chatId}:${topic}`)) return topic;
  throw badRequest("message thread not found");
}

/** A message as the Bot API shows it. */
export function messageView(store: Store, message: StoredMessage): Record<string, unknown> {
  const { chat_id, message_id, from, sender_chat, date, edit_date, reply_markup, reply_to, thread_id } = message;
  const original = reply_to === undefined ? undefined : store.messages.get(chat_id)?.get(reply_to);
  return {
    message_id,
    from,
    ...(sender_chat ? { sender_chat } : {}),
    chat: store.chats.get(chat_id),
    date,
    ...(edit_date === undefined ? {} : { edit_date }),
    ...(thread_id === undefined ? {} : { message_thread_id: thread_id, is_topic_message: true }),
    // One level only, as in the real API.
    ...(original ? { reply_to_message: messageView(store, { ...original, reply_to: undefined }) } : {}),
    ...contentView(message),
    ...(reply_markup?.inline_keyboard ? { reply_markup } : {}),
  };
}

function contentView({ text, entities, document, photo }: StoredMessage): Record<string, unknown> {
  if (!document && !photo) return { text, ...(entities.length > 0 ? { entities } : {}) };
  const caption = text === "" ? {} : { caption: text };
  return { ...(photo ? { photo } : { document }), ...caption, ...(entities.length > 0 ? { caption_entities: entities } : {}) };
}
