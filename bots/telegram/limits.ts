/**
 * What Telegram takes. Source, where nothing else is said: https://core.telegram.org/bots/api, Bot API 9.
 * The pacing of messages is a setting (`TELEGRAM_LIMITS`), because Telegram does not publish it.
 */

/**
 * Longest text of a message. Telegram counts characters after it has parsed the markup; we count UTF-16 units with the
 * markup, which is never less.
 */
export const MESSAGE_CHARS = 4_096;

/** Longest `callback_data` of a button, in bytes of UTF-8; at least 1. */
export const CALLBACK_DATA_BYTES = 64;

/** Longest words on a button. Not documented: clients cut what is longer, and few show more than this. */
export const BUTTON_CHARS = 64;

/** Most buttons under a message. Not documented: the server answers `REPLY_MARKUP_TOO_LONG` above it. */
export const BUTTONS = 100;

/** Longest name of a command in the menu (`BotCommand.command`): lower-case Latin letters, digits and underscores. */
export const COMMAND_NAME = 32;

/** Longest description of a command in the menu (`BotCommand.description`); at least 1. */
export const DESCRIPTION = 256;

/** Most commands in one menu (`setMyCommands`). */
export const COMMANDS = 100;

/** How many calls of our webhook at once we let Telegram make (`setWebhook`, 1 to 100): its own default. */
export const MAX_CONNECTIONS = 40;

/** Longest caption of a file or a picture (`sendDocument`, `sendPhoto`), counted as `MESSAGE_CHARS`. */
export const CAPTION_CHARS = 1_024;

/** How wide bars of characters may be: with a total and a name they fit into a line of a phone. Our own number. */
export const BAR_COLUMNS = 20;

/** More pages than this nobody turns: what is longer is a file. Our own number. */
export const PAGES = 20;

/** Largest file that somebody may send with a line, in bytes: a hundred addresses are 4 KiB, a log they are cut from is larger. Our own number; Telegram lets bots fetch 20 MB. */
export const ATTACHMENT_BYTES = 262_144;
