import { z } from "zod";
import { invalid } from "../problem.ts";
import type { Bot } from "./bot.ts";
import type { Change, Chat, Update, User } from "./types.ts";

/** Somebody who uses Telegram. */
export const personSchema = z.strictObject({
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
/** Somebody who uses Telegram. */
export type Person = z.output<typeof personSchema>;

/** Where something happens. */
export const chatId = z.int().refine((id) => id !== 0, "not zero: a person's id, or a negative one for a group");
/** A person as Telegram shows them. */
export function userOf({ id, username, first_name, language_code }: Person): User {
  return { id, is_bot: false, first_name: first_name ?? username ?? `User ${id}`, username, language_code };
}

/** A private chat is named by its person, a group by its id; what Telegram calls a supergroup has an id below -100.... */
function chatOf(id: number, user: User): Chat {
  if (id > 0) return { id, type: "private", first_name: user.first_name, username: user.username };
  return { id, type: id <= -1_000_000_000_000 ? "supergroup" : "group", title: `Group ${-id}` };
}

/** The person and the place, as far as they are news. Throws 422 for a private chat that is another's. */
export function arrive({ store }: Bot, id: number, user: User): { readonly chat: Chat; readonly changes: Change[] } {
  if (id > 0 && id !== user.id) throw invalid("chat_id", "a private chat has the id of its person: from.id, or a negative id for a group");
  if (store.migrated.has(id)) throw invalid("chat_id", `this group became ${store.migrated.get(id)}`);
  const chat = id > 0 ? chatOf(id, user) : (store.chats.get(id) ?? chatOf(id, user));
  // Who writes to a bot has let it in again.
  const unblocked: Change[] = id > 0 && store.blocked.has(id) ? [{ type: "blocked", user_id: id, blocked: false }] : [];
  return { chat, changes: [{ type: "user", user }, { type: "chat", chat }, ...unblocked] };
}

/** Now, as messages have it. */
export const seconds = (bot: Bot) => Math.floor(bot.now() / 1_000);

/** Writes down what happened, with the update that tells the bot of it. */
export function queue(bot: Bot, content: Readonly<Record<string, unknown>>, changes: readonly Change[]): { update_id: number } {
  const update: Update = { update_id: bot.store.lastUpdateId() + 1, ...content };
  bot.commit({ kind: "person" }, [...changes, { type: "update", update }]);
  return { update_id: update.update_id };
}
