import type { Update } from "grammy/types";
import { type Locale, toLocale } from "../../core/locale.ts";
import type { People } from "../../core/ports.ts";
import type { Ask, Person, ReplyTo, Request } from "../../core/request.ts";
import type { InboxEvent } from "../../core/stores.ts";
import { parseCallback } from "./render.ts";

/** What reading an update needs. */
export interface InboundDeps {
  readonly people: Pick<People, "find">;
  /** The bot's own id; what replies to its messages is for us. */
  readonly bot_id: number;
  /** The bot's own name, without "@"; commands to other bots in a group are none of ours. */
  readonly username: () => string;
  readonly locale: Locale;
  readonly zone: string;
}

/** An update as it is stored: with the chat it belongs to, whose updates keep their order. */
export interface StoredUpdate {
  readonly lane: string;
  readonly update: Update;
}

/** An update as an inbox event. The id is Telegram's own, so that a redelivered update is the same request. */
export function toEvent(bot_id: number, update: Update): InboxEvent {
  const chat = update.message?.chat ?? update.callback_query?.message?.chat;
  const payload: StoredUpdate = { lane: String(chat?.id ?? update.update_id), update };
  return { request_id: `telegram-${bot_id}-${update.update_id}`, platform: "telegram", payload };
}

/** What an update asks for, or null for one that asks for nothing. */
export async function toRequest(event: InboxEvent, deps: InboundDeps): Promise<Request | null> {
  const { update } = event.payload as StoredUpdate;
  const asked = update.message ? fromMessage(update, deps) : fromCallback(update);
  if (!asked) return null;
  const identity = `telegram:${asked.from.id}`;
  const person: Person | null = await deps.people.find(identity);
  return {
    request_id: event.request_id,
    identity,
    person,
    reply_to: asked.reply_to,
    conversation: `telegram:${asked.reply_to.address}`,
    locale: person?.locale ?? toLocale(asked.from.language_code, deps.locale),
    zone: person?.zone ?? deps.zone,
    ask: asked.ask,
  };
}

interface Asked {
  readonly from: { readonly id: number; readonly language_code?: string };
  readonly reply_to: ReplyTo;
  readonly ask: Ask;
}

function fromMessage({ message }: Update, deps: InboundDeps): Asked | null {
  if (!message?.from || message.from.is_bot) return null;
  const typed = message.text ?? message.caption ?? "";
  const isReply = message.reply_to_message?.from?.id === deps.bot_id;
  const text = message.chat.type === "private" ? typed : addressedTo(deps.username(), { typed, isReply });
  if (text === null) return null;
  return { from: message.from, reply_to: { platform: "telegram", address: String(message.chat.id) }, ask: { kind: "text", text } };
}

/** What may stand between our name and the line: people write "@desk_bot, block ..." and "@desk_bot: block ...". */
const AFTER_NAME = /^(?:$|[\s,:;!?，：；、]|\.(?=\s|$))[\s,:;.!?，：；、]*/;

/** In a group only a command, ours or nobody's, a line that begins with our name, and what replies to a message of ours is for us. */
function addressedTo(username: string, { typed, isReply }: { typed: string; isReply: boolean }): string | null {
  const mention = `@${username.toLowerCase()}`;
  const rest = typed.slice(mention.length);
  if (typed.slice(0, mention.length).toLowerCase() === mention && AFTER_NAME.test(rest)) return rest.replace(AFTER_NAME, "").trimEnd();
  const [first = ""] = typed.toLowerCase().split(/\s/, 1);
  if (first.startsWith("/")) return !first.includes("@") || first.endsWith(mention) ? typed : null;
  return isReply && typed !== "" ? typed : null;
}

function fromCallback({ callback_query: query }: Update): Asked | null {
  const ask = query?.data === undefined ? null : parseCallback(query.data);
  if (!query?.message || !ask) return null;
  const address = String(query.message.chat.id);
  // The answer to a decision takes the question's place, so that its buttons are gone; what a button says is answered below it.
  const reply_to =
    ask.kind === "text"
      ? { platform: "telegram", address }
      : { platform: "telegram", address, message_id: String(query.message.message_id) };
  return { from: query.from, reply_to, ask };
}
