/** A person as Telegram shows them. */
export interface User {
  readonly id: number;
  readonly is_bot: boolean;
  readonly first_name: string;
  readonly username?: string | undefined;
  readonly language_code?: string | undefined;
}

/** A chat as Telegram shows it. */
export interface Chat {
  readonly id: number;
  readonly type: "private" | "group" | "supergroup";
  readonly title?: string;
  readonly first_name?: string;
  readonly username?: string | undefined;
  readonly is_forum?: boolean;
}

/** A part of a text with a meaning; offsets and lengths are UTF-16 units. */
export interface Entity {
  readonly type: string;
  readonly offset: number;
  readonly length: number;
  readonly [extra: string]: unknown;
}

/** A button under a message. */
export interface Button {
  readonly text: string;
  readonly callback_data?: string;
  readonly [extra: string]: unknown;
}

/** What stands under a message; only an inline keyboard stays with it. */
export interface Markup {
  readonly inline_keyboard?: readonly (readonly Button[])[];
  readonly [extra: string]: unknown;
}

/** A message as it stands now. */
export interface StoredMessage {
  readonly message_id: number;
  readonly chat_id: number;
  readonly from: User;
  /** Seconds since 1970. */
  readonly date: number;
  readonly edit_date?: number;
  /** How often it was edited. */
  readonly edited: number;
  readonly text: string;
  readonly entities: readonly Entity[];
  /** The markup it was sent with, when it was sent as HTML. */
  readonly html?: string | undefined;
  readonly reply_markup?: Markup | undefined;
  readonly reply_to?: number | undefined;
  /** The file it carries; then `text` is its caption, which may be empty. */
  readonly document?: Document | undefined;
  /** The photo it carries, as a document. */
  readonly photo?: readonly PhotoSize[] | undefined;
  /** The topic of a forum it stands in. */
  readonly thread_id?: number | undefined;
  /** In whose name an anonymous administrator writes. */
  readonly sender_chat?: Chat | undefined;
}

/** A file as a message shows it. */
export interface Document {
  readonly file_id: string;
  readonly file_unique_id: string;
  readonly file_name: string;
  readonly mime_type: string;
  /** Bytes. */
  readonly file_size: number;
}

/** One size of a photo: https://core.telegram.org/bots/api#photosize */
export interface PhotoSize {
  readonly file_id: string;
  readonly file_unique_id: string;
  readonly width: number;
  readonly height: number;
  /** Bytes. */
  readonly file_size: number;
}

/** A file that the emulator keeps. */
export interface StoredFile {
  readonly document: Document;
  /** What a photo is shown as, the largest last. */
  readonly photo?: readonly PhotoSize[];
  /** Below `/file/bot<token>/`. */
  readonly path: string;
  readonly base64: string;
}

/** An update for the bot. */
export interface Update {
  readonly update_id: number;
  readonly [kind: string]: unknown;
}

/** A callback query: a button that someone pressed. */
export interface Callback {
  readonly callback_query_id: string;
  readonly chat_id: number;
  readonly message_id: number;
  readonly from_id: number;
  readonly data: string;
  /** Milliseconds since 1970. */
  readonly asked_at: number;
  readonly answered_at?: number;
  readonly text?: string | undefined;
  readonly show_alert?: boolean;
}

/** A webhook as the bot set it. */
export interface Webhook {
  readonly url: string;
  readonly secret_token?: string | undefined;
  readonly allowed_updates?: readonly string[] | undefined;
  readonly max_connections: number;
}

/** A command of the menu. */
export interface BotCommand {
  readonly command: string;
  readonly description: string;
}

/** One fact that became true. The state is the sum of all of them, so the log needs nothing else. */
export type Change =
  | { readonly type: "user"; readonly user: User }
  | { readonly type: "chat"; readonly chat: Chat }
  | { readonly type: "message"; readonly message: StoredMessage }
  | { readonly type: "deleted"; readonly chat_id: number; readonly message_id: number }
  | { readonly type: "update"; readonly update: Update }
  | { readonly type: "confirmed"; readonly below: number }
  | { readonly type: "delivered"; readonly update_id: number }
  | { readonly type: "file"; readonly file: StoredFile }
  | { readonly type: "webhook_error"; readonly date: number; readonly message: string }
  | { readonly type: "redeliver" | "redelivered"; readonly update_id: number }
  | { readonly type: "callback"; readonly callback: Callback }
  | { readonly type: "commands"; readonly key: string; readonly commands: readonly BotCommand[] | null }
  | { readonly type: "webhook"; readonly webhook: Webhook | null }
  | { readonly type: "allowed"; readonly kinds: readonly string[] }
  | { readonly type: "blocked"; readonly user_id: number; readonly blocked: boolean }
  | { readonly type: "migrated"; readonly from: number; readonly to: number };
