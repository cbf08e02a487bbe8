import { createWindow, type Rate, type Window } from "../window.ts";

/** Telegram's budgets of one token: overall, for any one chat, for any one group. */
export interface TelegramLimits {
  readonly global: Rate;
  readonly chat: Rate;
  readonly group: Rate;
}

/** https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this */
export const TELEGRAM_LIMITS: TelegramLimits = {
  global: { limit: 30, window_ms: 1_000 },
  chat: { limit: 1, window_ms: 1_000 },
  group: { limit: 20, window_ms: 60_000 },
};

const UNITS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000 };

function parseRate(text: string, suffix: string): Rate | undefined {
  const [, limit, seconds = "1", unit = ""] = new RegExp(`^([1-9]\\d{0,6})/(\\d{0,5})(s|min|h)${suffix}$`).exec(text.trim()) ?? [];
  return limit === undefined ? undefined : { limit: Number(limit), window_ms: Number(seconds || 1) * (UNITS[unit] ?? 0) };
}

/** Reads the contract's `TELEGRAM_LIMITS`, e.g. "30/s,1/s/chat,20/min/group". Throws an Error that says what was expected. */
export function parseTelegramLimits(text: string): TelegramLimits {
  const [first = "", second = "", third = "", ...more] = text.split(",");
  const global = parseRate(first, "");
  const chat = parseRate(second, "/chat");
  const group = parseRate(third, "/group");
  if (!global || !chat || !group || more.length > 0) throw new Error("TELEGRAM_LIMITS must be like 30/s,1/s/chat,20/min/group");
  return { global, chat, group };
}

/** Counts what is sent. A refused call is not counted. */
export interface Budget {
  /** Takes one from every window that the chat falls under; else how long to wait, in milliseconds, and nothing is taken. */
  take(chatId: number, now: number): number;
}

/** Makes the windows of one token. They are exact and have no tolerance; they are forgotten at a restart. */
export function createBudget({ global, chat, group }: TelegramLimits): Budget {
  const overall = createWindow(global);
  const chats = new Map<number, readonly Window[]>();
  const windowsOf = (chatId: number) => {
    const known = chats.get(chatId) ?? [createWindow(chat), ...(chatId < 0 ? [createWindow(group)] : [])];
    chats.set(chatId, known);
    return [overall, ...known];
  };
  return {
    take(chatId, now) {
      const windows = windowsOf(chatId);
      const wait = Math.max(...windows.map((window) => window.wait(now)));
      if (wait <= 0) for (const window of windows) window.count(now);
      return Math.max(0, wait);
    },
  };
}
