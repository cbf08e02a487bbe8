import type { Emulator, EmulatorDeps } from "../emulator.ts";
import { actOnReply, telegramRoutes } from "./api.ts";
import { createBot } from "./bot.ts";
import type { TelegramLimits } from "./limits.ts";
import { telegramPersonRoutes } from "./person.ts";
import { createPush } from "./push.ts";
import type { Change } from "./types.ts";
import { createUpdates } from "./updates.ts";

/** The token that the emulator takes unless it is told another. */
export const SANDBOX_TELEGRAM_TOKEN = "123456:SANDBOX";

/** Makes the emulator of the Telegram Bot API, with the state of its log. */
export function createTelegram(deps: EmulatorDeps, { token, limits }: { token: string; limits: TelegramLimits }): Emulator {
  const bot = createBot(deps, { token, limits });
  const updates = createUpdates(bot);
  const api = { bot, updates, faults: deps.faults, token };
  const push = createPush(bot, (body) => actOnReply(api, body));
  return {
    name: "telegram",
    // At the root: some clients (telegraf) drop the last segment of a base URL.
    base_path: "",
    environment: (baseUrl) => ({ TELEGRAM_API_ROOT: baseUrl, TELEGRAM_BOT_TOKEN: token }),
    api: async (app) => telegramRoutes(app, api),
    person: async (app) => telegramPersonRoutes(app, bot),
    log: deps.log,
    callView({ changes, kind: _kind, ...call }) {
      const said = ((changes ?? []) as readonly Change[]).find(({ type }) => type === "message");
      return said?.type === "message" ? { ...call, text: said.message.text } : call;
    },
    close() {
      updates.end();
      push.end();
    },
  };
}
