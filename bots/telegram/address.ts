/** A chat, and the topic of it where it is a forum. */
export interface Place {
  readonly chat_id: number | string;
  readonly thread_id?: number;
}

/** Where something was said, as far as an answer needs it. */
interface Said {
  readonly chat: { readonly id: number };
  readonly message_thread_id?: number;
  readonly is_topic_message?: boolean;
}

/** Where the answer to a message goes: its chat, `-100123`, or its topic, `-100123:42`. (A thread of replies outside of forums is none.) */
export function addressOf({ chat, message_thread_id, is_topic_message }: Said): string {
  return is_topic_message && message_thread_id !== undefined ? `${chat.id}:${message_thread_id}` : String(chat.id);
}

/** The inverse of `addressOf`. Telegram numbers its chats; channels also have names like `@news`. */
export function parseAddress(address: string): Place {
  const [, chat = address, thread] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  return { chat_id: /^-?\d+$/.test(chat) ? Number(chat) : chat, ...(thread !== undefined && { thread_id: Number(thread) }) };
}
