import type { CallbackQuery, Document, Message, Update } from "grammy/types";
import { type Locale, toLocale } from "../../core/locale.ts";
import type { People } from "../../core/ports.ts";
import { type Text, text } from "../../core/reply.ts";
import type { AddressMove, Ask, Interpreted, PageTurn, Person, ReplyTo, Request } from "../../core/request.ts";
import type { InboxEvent } from "../../core/stores.ts";
import { addressOf } from "./address.ts";
import { addressedTo, type Me } from "./addressed.ts";
import { parseCallback } from "./buttons.ts";

/** What reading an update needs. */
export interface InboundDeps {
  readonly people: Pick<People, "find">;
  /** Who the bot is: what mentions it or replies to it is for us. */
  readonly me: Me;
  /** What stands in a file, or why it cannot be read. */
  readonly read: (document: Document) => Promise<string | { readonly refused: Text }>;
  /** Counts the press of a button that says no line; false when it is one too many, and nothing is to come of it. */
  readonly mayPress: (presser: Presser) => Promise<boolean>;
  readonly locale: Locale;
  readonly zone: string;
}

/** Whoever presses a button. */
export interface Presser {
  readonly request_id: string;
  /** Their person's id, or the identity of somebody unknown. */
  readonly speaker: string;
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

/** What an update asks for, or null for one that asks for nothing: an edited message, a channel's post, a word between people. */
export async function interpretUpdate(event: InboxEvent, deps: InboundDeps): Promise<Interpreted> {
  const { message, callback_query } = (event.payload as StoredUpdate).update;
  const move = message && moveOf(message);
  if (move) return move;
  const asked = message ? fromMessage(message, deps.me) : callback_query && fromCallback(callback_query);
  if (!asked) return null;
  const person = asked.anonymous ? null : await deps.people.find(asked.identity);
  if (isPress(asked.ask) && !(await deps.mayPress(presserOf(event, { asked, person, deps })))) return null;
  // Somebody without a role learns nothing of what is written for others.
  if (asked.ask.kind === "page") return person?.role ? { ...asked.ask, ...placeOf(asked.reply_to) } : null;
  return toRequest(event, deps, { ...asked, person, ask: await withFile(asked.ask, person?.role ? asked.document : undefined, deps) });
}

interface Asked {
  readonly identity: string;
  /** Whoever it is writes in the name of a group or channel, so that nobody can say what they may do. */
  readonly anonymous?: boolean;
  readonly language_code?: string | undefined;
  readonly reply_to: ReplyTo;
  readonly document?: Document | undefined;
  readonly ask: Ask | Pick<PageTurn, "kind" | "delivery_id" | "page">;
}

/** A button that says a line counts as that line. */
const isPress = ({ kind }: Asked["ask"]) => kind === "page" || kind === "confirm" || kind === "cancel";

function presserOf(
  { request_id }: InboxEvent,
  known: { readonly asked: Asked; readonly person: Person | null; readonly deps: InboundDeps },
): Presser {
  const { asked, person, deps } = known;
  const { identity, language_code } = asked;
  const { locale, zone } = deps;
  return {
    request_id,
    speaker: person?.person_id ?? identity,
    locale: person?.locale ?? toLocale(language_code, locale),
    zone: person?.zone ?? zone,
  };
}

const placeOf = ({ platform, address }: ReplyTo) => ({ platform, address });

function toRequest(event: InboxEvent, deps: InboundDeps, asked: Asked & { readonly person: Person | null; readonly ask: Ask }): Request {
  const { identity, person, reply_to, language_code, ask } = asked;
  return {
    request_id: event.request_id,
    ...{ identity, person, reply_to, ask },
    conversation: `telegram:${reply_to.address}`,
    locale: person?.locale ?? toLocale(language_code, deps.locale),
    zone: person?.zone ?? deps.zone,
  };
}

/** Told twice, in the group that was and in the supergroup that is. https://core.telegram.org/bots/api#message */
function moveOf({ chat, migrate_to_chat_id, migrate_from_chat_id }: Message): AddressMove | null {
  const move = { kind: "moved", platform: "telegram" } as const;
  if (migrate_to_chat_id !== undefined) return { ...move, from: String(chat.id), to: String(migrate_to_chat_id) };
  return migrate_from_chat_id === undefined ? null : { ...move, from: String(migrate_from_chat_id), to: String(chat.id) };
}

function fromMessage(message: Message, me: Me): Asked | null {
  const { from, sender_chat, document } = message;
  // What a channel's post becomes in the group where it is talked about; and of bots nobody knows who speaks.
  if (message.is_automatic_forward || !from || (from.is_bot && !sender_chat)) return null;
  const typed = lineOf(message, me);
  if (typed === null) return null;
  const reply_to = { platform: "telegram", address: addressOf(message) };
  const { language_code } = from;
  if (!sender_chat) return { identity: `telegram:${from.id}`, language_code, reply_to, document, ask: { kind: "text", text: typed } };
  return {
    identity: `telegram:${sender_chat.id}`,
    anonymous: true,
    reply_to,
    ask: { kind: "refused", reason: text("telegram.anonymous") },
  };
}

function lineOf(message: Message, me: Me): string | null {
  const typed = message.text ?? message.caption ?? "";
  if (message.chat.type === "private") return typed;
  const isReply = message.reply_to_message?.from?.id === me.id;
  const entities = message.entities ?? message.caption_entities ?? [];
  return addressedTo(me, { typed, entities, isReply, hasFile: message.document !== undefined });
}

async function withFile(ask: Ask, document: Document | undefined, { read }: InboundDeps): Promise<Ask> {
  if (!document || ask.kind !== "text") return ask;
  const content = await read(document);
  return typeof content === "string" ? { ...ask, attachment: content } : { kind: "refused", reason: content.refused };
}

function fromCallback(query: CallbackQuery): Asked | null {
  const { data, message, from } = query;
  const ask = data === undefined ? null : parseCallback(data);
  if (!message || !ask) return null;
  const place = { platform: "telegram", address: addressOf(message) };
  // The answer to a decision takes the question's place, so that its buttons are gone; what a button says is answered below it.
  const reply_to = ask.kind === "text" ? place : { ...place, message_id: String(message.message_id) };
  return { identity: `telegram:${from.id}`, language_code: from.language_code, reply_to, ask };
}
