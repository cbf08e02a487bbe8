import type { Api } from "grammy";
import { OpsError } from "../../core/errors.ts";
import type { Locale } from "../../core/locale.ts";
import type { BotAdapter, Intake, Leases, Logger, People } from "../../core/ports.ts";
import type { InboxEvent } from "../../core/stores.ts";
import type { Duty } from "./duty.ts";
import { type StoredUpdate, toRequest } from "./inbound.ts";
import { type MenuEntry, redactToken, sendMenu } from "./outbound.ts";
import { startPolling } from "./polling.ts";
import { createTelegramWebhook, startWebhook, type WebhookSettings } from "./webhook.ts";

/** What Telegram's adapter needs. */
export interface TelegramDeps {
  readonly api: Api;
  readonly token: string;
  readonly intake: Intake;
  readonly leases: Leases;
  readonly people: Pick<People, "find">;
  /** The commands for the bot's menu. */
  readonly menu: readonly MenuEntry[];
  readonly locale: Locale;
  readonly zone: string;
  readonly log: Logger;
  /** Null: by long polling. */
  readonly webhook: WebhookSettings | null;
}

/** Telegram's way in: by webhook, which any number of processes may serve, or by long polling. */
export function createTelegramAdapter(deps: TelegramDeps): BotAdapter {
  const { api, token, leases, log, people, locale, zone, intake, webhook } = deps;
  // A bot's token begins with its id (https://core.telegram.org/bots/api, "Authorizing your bot").
  const bot_id = Number(token.split(":", 1)[0]);
  let receiving: Duty | null = null;
  let username: Promise<string> | null = null;
  // A process that works on stored events without polling asks once; until Telegram answers, nothing in a group is taken for ours.
  const whoAmI = () => {
    username ??= api.getMe().then((me) => me.username, refuse);
    username.catch(() => {
      username = null;
    });
    return username;
  };
  return {
    platform: "telegram",
    ...(webhook && { webhook: createTelegramWebhook({ bot_id, secret: webhook.secret, intake }) }),
    start() {
      const parts = { api, token, leases, log, onReady };
      receiving = webhook ? startWebhook({ ...parts, webhook }) : startPolling({ ...parts, intake });
    },
    async stop() {
      await receiving?.stop();
    },
    async interpret(event: InboxEvent) {
      const { update } = event.payload as StoredUpdate;
      // Ends the button's waiting sign. Not worth repeating: Telegram ends it by itself after a while.
      if (update.callback_query) void api.answerCallbackQuery(update.callback_query.id).catch(() => undefined);
      const name = update.message && update.message.chat.type !== "private" ? await whoAmI() : "";
      return toRequest(event, { people, locale, zone, bot_id, username: () => name });
    },
    state: () => receiving?.state() ?? { part: "telegram", state: "ok" },
  };

  // Without the cause: grammY's errors quote the URL with the token.
  function refuse(thrown: unknown): never {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new OpsError("upstream_unavailable", redactToken(`Telegram getMe: ${reason}`, token));
  }

  function onReady(me: { readonly id: number; readonly username: string }): void {
    username = Promise.resolve(me.username);
    // The menu is a convenience: updates must not wait for it.
    void sendMenu(api, deps.menu).catch((thrown: unknown) =>
      log.warn({ err: thrown }, "the bot's menu could not be set; commands work all the same"),
    );
  }
}
