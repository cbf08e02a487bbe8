import type { BotCommand, Callback, Change, Chat, StoredFile, StoredMessage, Update, User, Webhook } from "./types.ts";

/** How many updates are kept for `redeliver` besides the ones not yet confirmed. */
const KEPT_UPDATES = 10_000;

/** All that the emulator knows, in memory; changed by `apply` alone. */
export interface Store {
  readonly users: ReadonlyMap<number, User>;
  readonly chats: ReadonlyMap<number, Chat>;
  /** By chat, then by message id, oldest first. */
  readonly messages: ReadonlyMap<number, ReadonlyMap<number, StoredMessage>>;
  readonly callbacks: ReadonlyMap<string, Callback>;
  /** By scope and language. */
  readonly commands: ReadonlyMap<string, readonly BotCommand[]>;
  /** People who blocked the bot. */
  readonly blocked: ReadonlySet<number>;
  /** Old group id -> the supergroup it became. */
  readonly migrated: ReadonlyMap<number, number>;
  /** Updates not yet confirmed, in order. */
  readonly pending: ReadonlyMap<number, Update>;
  /** Updates to be delivered once more, whatever was confirmed. */
  readonly again: ReadonlyMap<number, Update>;
  /** The latest updates, confirmed or not. */
  readonly recent: ReadonlyMap<number, Update>;
  /** By `file_id`. */
  readonly files: ReadonlyMap<string, StoredFile>;
  /** Topics that somebody wrote in: the chat's id, ":" and the topic's. */
  readonly topics: ReadonlySet<string>;
  webhook(): Webhook | null;
  /** What went wrong last when an update was pushed to this webhook; seconds since 1970. */
  webhookError(): { readonly date: number; readonly message: string } | null;
  /** The kinds of update the bot asked for; none: all. */
  allowed(): readonly string[];
  lastUpdateId(): number;
  lastMessageId(chatId: number): number;
  apply(change: Change): void;
}

/** Private chats and groups share one count of the bot's; a supergroup counts for itself (https://core.telegram.org/bots/api#message). */
const counterOf = (chatId: number) => (chatId <= -1_000_000_000_000 ? chatId : 0);

interface Maps {
  readonly users: Map<number, User>;
  readonly chats: Map<number, Chat>;
  readonly messages: Map<number, Map<number, StoredMessage>>;
  readonly callbacks: Map<string, Callback>;
  readonly commands: Map<string, readonly BotCommand[]>;
  readonly blocked: Set<number>;
  readonly migrated: Map<number, number>;
  readonly pending: Map<number, Update>;
  readonly again: Map<number, Update>;
  readonly recent: Map<number, Update>;
  readonly files: Map<string, StoredFile>;
  readonly topics: Set<string>;
  readonly lastMessage: Map<number, number>;
  webhook: Webhook | null;
  webhookError: { readonly date: number; readonly message: string } | null;
  allowed: readonly string[];
  lastUpdate: number;
}

type Appliers = { readonly [Type in Change["type"]]: (maps: Maps, change: Extract<Change, { type: Type }>) => void };

function addMessage(maps: Maps, message: StoredMessage): void {
  const { chat_id, message_id, thread_id } = message;
  if (thread_id !== undefined) maps.topics.add(`${chat_id}:${thread_id}`);
  const chat = maps.messages.get(chat_id) ?? new Map<number, StoredMessage>();
  maps.messages.set(chat_id, chat.set(message_id, message));
  maps.lastMessage.set(counterOf(chat_id), Math.max(maps.lastMessage.get(counterOf(chat_id)) ?? 0, message_id));
}

function addUpdate(maps: Maps, update: Update): void {
  maps.lastUpdate = update.update_id;
  // The rule stands for updates to come: https://core.telegram.org/bots/api#getupdates, allowed_updates.
  const wanted = maps.allowed.length === 0 || maps.allowed.some((kind) => kind in update);
  if (wanted) maps.pending.set(update.update_id, update);
  maps.recent.set(update.update_id, update);
  const [oldest] = maps.recent.keys();
  if (maps.recent.size > KEPT_UPDATES && oldest !== undefined) maps.recent.delete(oldest);
}

function redeliver(maps: Maps, { type, update_id }: { type: "redeliver" | "redelivered"; update_id: number }): void {
  const update = maps.recent.get(update_id);
  if (type === "redelivered") maps.again.delete(update_id);
  else if (update) maps.again.set(update_id, update);
}

const APPLY: Appliers = {
  user: (maps, { user }) => maps.users.set(user.id, user),
  chat: (maps, { chat }) => maps.chats.set(chat.id, chat),
  message: (maps, { message }) => addMessage(maps, message),
  deleted: (maps, { chat_id, message_id }) => maps.messages.get(chat_id)?.delete(message_id),
  update: (maps, { update }) => addUpdate(maps, update),
  confirmed: (maps, { below }) => {
    // In order, so the first that stays ends the walk.
    for (const id of maps.pending.keys()) {
      if (id >= below) return;
      maps.pending.delete(id);
    }
  },
  delivered: (maps, { update_id }) => {
    maps.pending.delete(update_id);
    maps.again.delete(update_id);
  },
  redeliver,
  redelivered: redeliver,
  file: (maps, { file }) => maps.files.set(file.document.file_id, file),
  callback: (maps, { callback }) => maps.callbacks.set(callback.callback_query_id, callback),
  commands: (maps, { key, commands }) => (commands ? maps.commands.set(key, commands) : maps.commands.delete(key)),
  webhook: (maps, { webhook }) => {
    maps.webhook = webhook;
    maps.webhookError = null;
  },
  webhook_error: (maps, { date, message }) => {
    maps.webhookError = { date, message };
  },
  allowed: (maps, { kinds }) => {
    maps.allowed = kinds;
  },
  blocked: (maps, { user_id, blocked }) => (blocked ? maps.blocked.add(user_id) : maps.blocked.delete(user_id)),
  migrated: (maps, { from, to }) => maps.migrated.set(from, to),
};

/**
 * Makes an empty store. The first update id follows `firstUpdateId`: a real bot's ids do not start at 1 either, and a sandbox
 * that was wiped must not repeat the ids which a database still remembers.
 */
export function createStore(firstUpdateId: number): Store {
  const maps: Maps = {
    users: new Map(),
    chats: new Map(),
    messages: new Map(),
    callbacks: new Map(),
    commands: new Map(),
    blocked: new Set(),
    migrated: new Map(),
    pending: new Map(),
    again: new Map(),
    recent: new Map(),
    files: new Map(),
    topics: new Set(),
    lastMessage: new Map(),
    webhook: null,
    webhookError: null,
    allowed: [],
    lastUpdate: firstUpdateId,
  };
  return {
    ...maps,
    webhook: () => maps.webhook,
    webhookError: () => maps.webhookError,
    allowed: () => maps.allowed,
    lastUpdateId: () => maps.lastUpdate,
    lastMessageId: (chatId) => maps.lastMessage.get(counterOf(chatId)) ?? 0,
    apply: (change) => (APPLY[change.type] as (maps: Maps, change: Change) => void)(maps, change),
  };
}
