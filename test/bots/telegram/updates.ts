import type { Update } from "grammy/types";
import { interpretUpdate, toEvent } from "../../../bots/telegram/inbound.ts";
import type { Person, Request } from "../../../core/request.ts";

/** Somebody whom nobody knows; she writes Korean. */
export const ANN = { id: 1001, is_bot: false, first_name: "Ann", language_code: "ko-KR" };
/** Her chat with the bot. */
export const PRIVATE = { id: 1001, type: "private", first_name: "Ann" };
/** A group. */
export const GROUP = { id: -5, type: "group", title: "Ops" };
/** telegram:1002. */
export const PERSON: Person = { person_id: "p1", name: "Ann", role: "viewer", locale: "ru", zone: "Asia/Seoul" };
const KNOWN: Readonly<Record<string, Person>> = { "telegram:1002": PERSON, "telegram:1004": { ...PERSON, role: null } };
/** Who is known; 1004 has lost every role. */
export const people = { find: async (identity: string) => KNOWN[identity] ?? null };

/** An update with this in it. */
export const update = (content: object): Update => ({ update_id: 7, ...content }) as Update;
/** A message of Ann. */
export const message = (more: object, chat: object = PRIVATE) => update({ message: { message_id: 3, date: 1, from: ANN, chat, ...more } });
/** Ann presses a button in the group. */
export const press = (data: string | undefined, more: object = {}) =>
  update({ callback_query: { id: "9", from: ANN, chat_instance: "1", message: { message_id: 4, date: 0, chat: GROUP }, data, ...more } });

const read = async () => "203.0.113.7\n203.0.113.8";
/** What reading needs; every file holds two addresses. */
export const DEPS = { people, me: { id: 123, username: "Desk_Bot" }, read, mayPress: async () => true, locale: "en", zone: "UTC" } as const;
/** What an update asks for. */
export const interpret = (content: Update) => interpretUpdate(toEvent(123, content), DEPS);
/** What is asked, where something is asked. */
export const asked = async (content: Update): Promise<Request | null> => {
  const found = await interpret(content);
  if (found && found.kind !== undefined) throw new Error(`expected a request, got ${found.kind}`);
  return found;
};
/** The line that is asked with, or what is asked otherwise. */
export const textOf = async (content: Update) => {
  const request = await asked(content);
  return request?.ask.kind === "text" ? request.ask.text : request;
};
