import type { Method } from "../bot.ts";
import { answerCallbackQuery } from "./callbacks.ts";
import { deleteMyCommands, getMyCommands, setMyCommands } from "./commands.ts";
import { getFile, sendDocument, sendPhoto } from "./documents.ts";
import { deleteMessage, editMessageReplyMarkup, editMessageText, getChat, sendChatAction, sendMessage } from "./messages.ts";
import { deleteWebhook, getWebhookInfo, setWebhook } from "./webhook.ts";

/** https://core.telegram.org/bots/api#getme; privacy mode is off, so the bot sees every message of a group. */
const getMe: Method = ({ self }) => ({
  result: {
    ...self,
    can_join_groups: true,
    can_read_all_group_messages: true,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
  },
});

/** The methods that answer at once. `getUpdates` waits and lives in updates.ts. */
export const METHODS = {
  getMe,
  sendMessage,
  sendDocument,
  sendPhoto,
  getFile,
  editMessageText,
  editMessageReplyMarkup,
  deleteMessage,
  sendChatAction,
  getChat,
  answerCallbackQuery,
  setMyCommands,
  getMyCommands,
  deleteMyCommands,
  setWebhook,
  deleteWebhook,
  getWebhookInfo,
} as const satisfies Readonly<Record<string, Method>>;
