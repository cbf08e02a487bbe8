import type { Api } from "grammy";
import { OpsError } from "../../core/errors.ts";
import type { Locale } from "../../core/locale.ts";
import type { BotAdapter, Intake, Leases, Logger, People } from "../../core/ports.ts";
import type { Request } from "../../core/request.ts";
import type { InboxEvent } from "../../core/stores.ts";
import { readAttachment } from "./attachment.ts";
import type { Duty } from "./duty.ts";
import { toTelegramError } from "./errors.ts";
import { interpretUpdate, type Presser, type StoredUpdate } from "./inbound.ts";
import { createMenus, type MenuEntry, type Menus } from "./menu.ts";
import { startPolling } from "./polling.ts";
import { createSpeakers } from "./speakers.ts";
import { createTelegramWebhook, startWebhook, type WebhookSettings } from "./webhook.ts";

/** What Telegram's adapter needs. */
export interface TelegramDeps {
  readonly api: Api;
  readonly token: string;
  readonly intake: Intake;
  readonly leases: Leases;
  readonly people: Pick<People, "find">;
  /** Counts the press of a button. @returns what to tell whoever presses too fast, or null */
  readonly tooFast: (presser: Presser) => Promise<string | null>;
  /** The commands for people's menus. */
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
  const menus = createMenus({ api, entries: deps.menu, locale, log });
  const names = createNames(api, token);
  const speakers = createSpeakers(people);
  let receiving: Duty | null = null;
  const onReady = (me: { readonly username: string }) => {
    names.know(me.username);
    menus.clear();
  };
  return {
    platform: "telegram",
    ...(webhook && { webhook: createTelegramWebhook({ ...webhook, bot_id, intake, expect: speakers.expect }) }),
    start() {
      const parts = { api, token, leases, log, onReady };
      receiving = webhook ? startWebhook({ ...parts, webhook }) : startPolling({ ...parts, intake });
    },
    async stop() {
      await Promise.all([receiving?.stop(), menus.stop()]);
    },
    async interpret(event: InboxEvent) {
      const { update } = event.payload as StoredUpdate;
      let words: string | null = null;
      const mayPress = async (presser: Presser) => {
        words = await deps.tooFast(presser);
        return words === null;
      };
      const username = update.message && update.message.chat.type !== "private" ? await names.ours() : "";
      const read = (document: Parameters<typeof readAttachment>[1]) => readAttachment({ api, log }, document);
      const asked = await interpretUpdate(event, { people: speakers, locale, zone, me: { id: bot_id, username }, read, mayPress }).finally(
        () => {
          if (update.callback_query) answerPress(api, update.callback_query.id, words);
        },
      );
      if (asked && asked.kind === undefined) show(menus, asked);
      return asked;
    },
    roleChanged(identity, now) {
      // Their private chat has their own id.
      const [, chat_id] = /^telegram:([1-9]\d*)$/.exec(identity) ?? [];
      if (chat_id !== undefined) menus.change({ chat_id: Number(chat_id), role: now.role, locale: now.locale });
    },
    state: () => receiving?.state() ?? { part: "telegram", state: "ok" },
  };
}

/** Ends the button's waiting sign, with words shown for a moment. Not worth repeating: Telegram ends it by itself after a while. */
function answerPress(api: Api, query_id: string, words: string | null): void {
  void api.answerCallbackQuery(query_id, words === null ? {} : { text: words }).catch(() => undefined);
}

/** The menu of somebody we know, in their private chat, which has their own id. Who lost their role loses it too. */
function show(menus: Menus, { person, identity, reply_to, locale }: Request): void {
  const address = reply_to?.address ?? "";
  if (person && identity === `telegram:${address}`) menus.see({ chat_id: Number(address), role: person.role, locale });
}

/** Our name. A process that works on stored events without fetching any asks once; until Telegram answers, nothing in a group is taken for ours. */
function createNames(api: Api, token: string) {
  let name: Promise<string> | null = null;
  return {
    know(username: string) {
      name = Promise.resolve(username);
    },
    ours(): Promise<string> {
      name ??= api.getMe().then(
        (me) => me.username,
        (thrown: unknown) => {
          name = null;
          const { message } = toTelegramError(thrown, "getMe", token);
          throw new OpsError("upstream_unavailable", message);
        },
      );
      return name;
    },
  };
}
