import { Api, GrammyError, HttpError } from "grammy";
import type { Rate } from "../../core/config.ts";
import { OpsError } from "../../core/errors.ts";
import { LOCALES, type Locale, type PerLocale } from "../../core/locale.ts";
import type { Budget, Channel, Logger, OutgoingMessage } from "../../core/ports.ts";
import { text } from "../../core/reply.ts";
import { COMMAND_NAME, COMMANDS, DESCRIPTION } from "./limits.ts";
import { renderTelegram } from "./render.ts";

/** A client of the Bot API. */
export type TelegramApi = Api;

/** What sending through Telegram needs. */
export interface TelegramChannelDeps {
  readonly api: Api;
  readonly limits: { readonly global: Rate; readonly chat: Rate; readonly group: Rate };
  readonly log: Logger;
}

/** A command of the bot's menu: its slug, and what it does in each language. */
export interface MenuEntry {
  readonly command: string;
  readonly description: PerLocale<string>;
}

/** How long one call may take; only `getUpdates` is held open by Telegram itself, up to 50 s. */
const CALL_TIMEOUT_MS = 15_000;
const LONG_POLL_TIMEOUT_S = 60;
/** Telegram always says how long to wait; should it once not, this long. */
const UNTOLD_WAIT_MS = 5_000;
/**
 * What is granted in time may arrive late, and Telegram counts arrivals: two calls granted one window apart must not arrive closer.
 * So windows are held a little longer than they are; a chat's more, because one late call is all that its window takes. In milliseconds.
 */
const LATENESS_MS = { global: 250, chat: 500 };
/** Groups become supergroups rarely; the oldest is forgotten and costs one refused call more. */
const MIGRATIONS_KEPT = 1_000;
const NOT_MODIFIED = /message is not modified/i;
const NOT_EDITABLE = /message to edit not found|message can't be edited|no text in the message to edit|MESSAGE_ID_INVALID/i;

function budget(key: string, { limit, window_ms }: Rate, lateness_ms: number): Budget {
  return { key, limit, window_ms: window_ms + lateness_ms };
}

/**
 * A client of the Bot API. Nothing is sent twice by itself: the gateway obeys `retry_after`.
 * @param options api_root without `/bot<token>`, e.g. `https://api.telegram.org`
 */
export function createTelegramApi({ token, api_root }: { readonly token: string; readonly api_root: string }): Api {
  const api = new Api(token, { apiRoot: api_root.replace(/\/+$/, ""), timeoutSeconds: LONG_POLL_TIMEOUT_S });
  api.config.use((call, method, payload, signal) => {
    if (method === "getUpdates" || signal) return call(method, payload, signal);
    // grammY takes the signal type of its own shim; the platform's is one in all that is used.
    return call(method, payload, AbortSignal.timeout(CALL_TIMEOUT_MS) as unknown as NonNullable<typeof signal>);
  });
  return api;
}

/** Telegram's way out. The bot's token is in no error that leaves here: they carry no cause, because grammY's quote the URL with it. */
export function createTelegramChannel({ api, limits, log }: TelegramChannelDeps): Channel {
  const bot = api.token.split(":", 1)[0];
  const migrated = new Map<string, string>();
  const chatOf = (address: string) => migrated.get(address) ?? address;

  const follow = (old: string, chat: string) => {
    migrated.set(old, chat);
    for (const first of migrated.keys()) if (migrated.size > MIGRATIONS_KEPT) migrated.delete(first);
    log.info({ platform: "telegram", chat: old, now: chat }, "a group became a supergroup");
  };

  const sendTo = async (chat: string, message: OutgoingMessage) => {
    const id = await editMessage(api, chat, message);
    return { message_id: String(id ?? (await sendMessage(api, chat, message))) };
  };

  return {
    platform: "telegram",

    budgets(address): readonly Budget[] {
      const chat = chatOf(address);
      const budgets = [
        budget(`telegram:${bot}`, limits.global, LATENESS_MS.global),
        budget(`telegram:${bot}:chat:${chat}`, limits.chat, LATENESS_MS.chat),
      ];
      return isGroup(chat) ? [...budgets, budget(`telegram:${bot}:group:${chat}`, limits.group, LATENESS_MS.chat)] : budgets;
    },

    async send(message) {
      const chat = chatOf(message.address);
      try {
        return await sendTo(chat, message);
      } catch (thrown) {
        const now = thrown instanceof GrammyError ? thrown.parameters.migrate_to_chat_id : undefined;
        if (now === undefined) throw toTelegramError(thrown, "send", api.token);
        follow(message.address, String(now));
      }
      try {
        return await sendTo(chatOf(message.address), { ...message, message_id: null });
      } catch (thrown) {
        throw toTelegramError(thrown, "send", api.token);
      }
    },
  };
}

/** Puts the commands into the bot's menu, once a language; those who use another language see the English one. */
export async function sendMenu(api: Api, menu: readonly MenuEntry[]): Promise<void> {
  const fitting = menu.filter(({ command }) => /^[a-z0-9_]+$/.test(command) && command.length <= COMMAND_NAME).slice(0, COMMANDS);
  const inLanguage = (locale: Locale) =>
    fitting.map(({ command, description }) => ({ command, description: [...description[locale]].slice(0, DESCRIPTION).join("") }));
  const [fallback, ...others] = LOCALES;
  try {
    await api.setMyCommands(inLanguage(fallback));
    for (const locale of others) await api.setMyCommands(inLanguage(locale), { language_code: locale });
  } catch (thrown) {
    throw toTelegramError(thrown, "menu", api.token);
  }
}

/** A text without the bot's token, or the secret half of it, in whatever spelling an URL has it. */
export function redactToken(words: string, token: string): string {
  const secret = token.slice(token.indexOf(":") + 1);
  return [token, encodeURIComponent(token), secret].filter(Boolean).reduce((left, form) => left.replaceAll(form, "[token]"), words);
}

/** @returns the id of the edited message, or null where there is none to edit */
async function editMessage(api: Api, chat: string, { message_id, reply }: OutgoingMessage): Promise<number | null> {
  const id = Number(message_id ?? Number.NaN);
  if (!Number.isSafeInteger(id)) return null;
  const { text: html, ...buttons } = renderTelegram(reply);
  try {
    await api.editMessageText(toChatId(chat), id, html, { ...FORMAT, ...buttons });
    return id;
  } catch (thrown) {
    const refusal = thrown instanceof GrammyError && thrown.error_code === 400 ? thrown.description : "";
    if (NOT_MODIFIED.test(refusal)) return id;
    if (NOT_EDITABLE.test(refusal)) return null;
    throw thrown;
  }
}

/** No surprises: our own markup only, and no preview of a link that somebody typed. */
const FORMAT = { parse_mode: "HTML", link_preview_options: { is_disabled: true } } as const;

async function sendMessage(api: Api, chat: string, { reply }: OutgoingMessage): Promise<number> {
  const { text: html, ...buttons } = renderTelegram(reply);
  const sent = await api.sendMessage(toChatId(chat), html, { ...FORMAT, ...buttons });
  return sent.message_id;
}

/** Telegram numbers its chats; channels also have names like `@news`. */
function toChatId(chat: string): number | string {
  return /^-?\d+$/.test(chat) ? Number(chat) : chat;
}

function isGroup(chat: string): boolean {
  return /^[-@]/.test(chat);
}

function toTelegramError(thrown: unknown, what: string, token: string): OpsError {
  const told = (words: string) => redactToken(`Telegram ${what}: ${words}`, token);
  if (thrown instanceof HttpError) return new OpsError("upstream_unavailable", told(describe(thrown.error)));
  if (!(thrown instanceof GrammyError)) return new OpsError("internal", told(describe(thrown)));
  const { error_code, description, parameters } = thrown;
  const message = told(`${error_code} ${description}`);
  if (error_code === 429) {
    const retry_after_ms = parameters.retry_after === undefined ? UNTOLD_WAIT_MS : parameters.retry_after * 1000;
    return new OpsError("rate_limited", message, { retry_after_ms });
  }
  // 401 and 404 are about the token, not the message: it can still be sent when the setting is mended.
  if (error_code === 401 || error_code === 404) return new OpsError("unavailable", message, { text: text("telegram.token_refused") });
  if (error_code >= 500) return new OpsError("upstream_unavailable", message);
  return new OpsError("upstream_refused", message, { text: text("telegram.refused", { reason: redactToken(description, token) }) });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? `${String(error.code)} ${error.message}` : error.message;
}
