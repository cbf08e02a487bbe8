import { Api, GrammyError, InputFile } from "grammy";
import type { Charts, PlainChart } from "../../core/chart.ts";
import type { Rate } from "../../core/config.ts";
import type { Budget, Channel, Logger, OutgoingMessage } from "../../core/ports.ts";
import { type PlainReply, type ReplyFile, toPlainText } from "../../core/reply.ts";
import { type Place, parseAddress } from "./address.ts";
import { toTelegramError } from "./errors.ts";
import { PAGES } from "./limits.ts";
import { renderCaption, renderTelegram, renderUnderChart, type TelegramMessage } from "./render.ts";

/** A client of the Bot API. */
export type TelegramApi = Api;

/** What sending through Telegram needs. */
export interface TelegramChannelDeps {
  readonly api: Api;
  readonly limits: { readonly global: Rate; readonly chat: Rate; readonly group: Rate };
  readonly charts: Charts;
  readonly log: Logger;
}

/** How long one call may take; only `getUpdates` is held open by Telegram itself, up to 50 s. */
const CALL_TIMEOUT_MS = 15_000;
const LONG_POLL_TIMEOUT_S = 60;
/**
 * What is granted in time may arrive late, and Telegram counts arrivals: two calls granted one window apart must not arrive closer.
 * So windows are held a little longer than they are; a chat's more, because one late call is all that its window takes. In milliseconds.
 */
const LATENESS_MS = { global: 250, chat: 500 };
const NOT_MODIFIED = /message is not modified/i;
const NOT_EDITABLE = /message to edit not found|message can't be edited|no text in the message to edit|MESSAGE_ID_INVALID/i;
const NO_TOPIC = /message thread not found/i;
/** No surprises: our own markup only, and no preview of a link that somebody typed. */
const FORMAT = { parse_mode: "HTML", link_preview_options: { is_disabled: true } } as const;

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

/** Telegram's way out. The bot's token is in no error that leaves here. */
export function createTelegramChannel(deps: TelegramChannelDeps): Channel {
  const { api, limits, log } = deps;
  const bot = api.token.split(":", 1)[0];
  return {
    platform: "telegram",

    budgets(address): readonly Budget[] {
      const { chat_id: chat } = parseAddress(address);
      const budgets = [
        budget(`telegram:${bot}`, limits.global, LATENESS_MS.global),
        budget(`telegram:${bot}:chat:${chat}`, limits.chat, LATENESS_MS.chat),
      ];
      const isGroup = /^[-@]/.test(String(chat));
      return isGroup ? [...budgets, budget(`telegram:${bot}:group:${chat}`, limits.group, LATENESS_MS.chat)] : budgets;
    },

    async send(message) {
      try {
        return { message_id: String(await deliver(deps, parseAddress(message.address), message)) };
      } catch (thrown) {
        const now = thrown instanceof GrammyError ? thrown.parameters.migrate_to_chat_id : undefined;
        if (now === undefined) throw toTelegramError(thrown, "send", api.token);
        log.info({ platform: "telegram", chat: message.address, now }, "a group became a supergroup");
        return await follow(deps, now, message);
      }
    },
  };
}

/** To the supergroup, where the group's messages cannot be edited. Once: it became nothing else meanwhile. */
async function follow(deps: TelegramChannelDeps, chat_id: number, message: OutgoingMessage) {
  try {
    const id = await deliver(deps, { chat_id }, { ...message, message_id: null });
    return { message_id: String(id), moved_to: String(chat_id) };
  } catch (thrown) {
    throw toTelegramError(thrown, "send", deps.api.token);
  }
}

/** @returns the id of the message that stands there now */
async function deliver(deps: TelegramChannelDeps, place: Place, message: OutgoingMessage): Promise<number> {
  const { api } = deps;
  const { reply, message_id } = message;
  if (reply.file) return sendFile(api, place, reply, reply.file);
  const id = Number(message_id ?? Number.NaN);
  const picture = reply.chart ? await sendPicture(deps, place, { reply, chart: reply.chart }) : null;
  if (picture !== null) return inPlaceOf(api, place, { sent: picture, replaced: id });
  const rendered = renderTelegram(reply, message);
  if (rendered.pages > PAGES) return sendInFile(api, place, reply, id);
  const edited = Number.isSafeInteger(id) ? await editMessage(api, place, { id, rendered }) : null;
  return edited ?? (await sendMessage(api, place, rendered));
}

/** @returns its id, or null where there is none to edit */
async function editMessage(api: Api, { chat_id }: Place, { id, rendered }: { id: number; rendered: TelegramMessage }) {
  const { text: html, pages: _pages, ...buttons } = rendered;
  try {
    await api.editMessageText(chat_id, id, html, { ...FORMAT, ...buttons });
    return id;
  } catch (thrown) {
    const refusal = thrown instanceof GrammyError && thrown.error_code === 400 ? thrown.description : "";
    if (NOT_MODIFIED.test(refusal)) return id;
    if (NOT_EDITABLE.test(refusal)) return null;
    throw thrown;
  }
}

async function sendMessage(api: Api, place: Place, { text: html, pages: _pages, ...buttons }: TelegramMessage): Promise<number> {
  return inTopic(place, (topic) => api.sendMessage(place.chat_id, html, { ...FORMAT, ...buttons, ...topic }));
}

async function sendFile(api: Api, place: Place, reply: PlainReply, { name, content }: ReplyFile): Promise<number> {
  const { text: caption, ...buttons } = renderCaption(reply);
  const more = { caption, parse_mode: "HTML", ...buttons } as const;
  return inTopic(place, (topic) => api.sendDocument(place.chat_id, new InputFile(Buffer.from(content), name), { ...more, ...topic }));
}

/** What nobody would read page by page. */
async function sendInFile(api: Api, place: Place, reply: PlainReply, replaced: number): Promise<number> {
  const file = { name: "answer.txt", media_type: "text/plain", content: toPlainText(reply) } as const;
  return inPlaceOf(api, place, { sent: await sendFile(api, place, reply, file), replaced });
}

/** A message of text cannot become a file or a picture, so that the one it would replace is taken away afterwards. */
async function inPlaceOf(api: Api, { chat_id }: Place, { sent, replaced }: { sent: number; replaced: number }): Promise<number> {
  // Not worth repeating the file for.
  if (Number.isSafeInteger(replaced)) await api.deleteMessage(chat_id, replaced).catch(() => undefined);
  return sent;
}

/**
 * A chart as a picture, with the words under it.
 * @returns its id; null where it cannot be drawn, or is refused (not every group takes pictures): the answer goes out in words
 */
async function sendPicture(
  deps: TelegramChannelDeps,
  place: Place,
  what: { reply: PlainReply; chart: PlainChart },
): Promise<number | null> {
  const { api, charts, log } = deps;
  const { text: caption, ...buttons } = renderUnderChart(what.reply);
  const more = { caption, parse_mode: "HTML", ...buttons } as const;
  const png = await charts.png(what.chart).catch((thrown: unknown) => {
    log.error({ err: thrown, platform: "telegram" }, "a chart could not be drawn; the answer goes out without a picture");
    return null;
  });
  if (png === null) return null;
  try {
    return await inTopic(place, (topic) => api.sendPhoto(place.chat_id, new InputFile(png, "chart.png"), { ...more, ...topic }));
  } catch (thrown) {
    const isRefused = thrown instanceof GrammyError && thrown.error_code === 400 && thrown.parameters.migrate_to_chat_id === undefined;
    if (!isRefused) throw thrown;
    log.warn({ platform: "telegram", reason: thrown.description }, "Telegram refuses a chart; the answer goes out without a picture");
    return null;
  }
}

/** Sends into the topic; where that is no more, into the chat. */
async function inTopic(
  { thread_id }: Place,
  send: (topic: { readonly message_thread_id?: number }) => Promise<{ readonly message_id: number }>,
): Promise<number> {
  if (thread_id === undefined) return (await send({})).message_id;
  try {
    return (await send({ message_thread_id: thread_id })).message_id;
  } catch (thrown) {
    if (thrown instanceof GrammyError && NO_TOPIC.test(thrown.description)) return (await send({})).message_id;
    throw thrown;
  }
}
