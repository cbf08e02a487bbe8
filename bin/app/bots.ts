import type { TelegramDeps } from "../../bots/telegram/adapter.ts";
import { slugOf } from "../../core/command.ts";
import type { Config } from "../../core/config.ts";
import { limitPresses } from "../../core/policy/limit.ts";
import type { BotAdapter, Ephemeral, Intake, Leases, Logger } from "../../core/ports.ts";
import type { Desk } from "./desk.ts";
import type { Platforms } from "./platforms.ts";
import { webhookSecret } from "./secret-key.ts";
import type { Part } from "./work.ts";

/** What the ways in need. */
export interface BotParts {
  readonly desk: Desk;
  readonly platforms: Platforms;
  readonly leases: Leases;
  readonly intake: Intake;
  readonly log: Logger;
  readonly secretKey: Buffer;
  readonly ephemeral: Pick<Ephemeral, "count">;
}

/** The ways in of the platforms that are on. The one place that lists them. */
export async function createAdapters(config: Config, parts: BotParts): Promise<BotAdapter[]> {
  const { desk, platforms, leases, intake, log, secretKey, ephemeral } = parts;
  const { telegram } = platforms;
  if (!telegram) {
    log.info({ platform: "telegram" }, "Telegram is off: TELEGRAM_BOT_TOKEN is not set");
    return [];
  }
  const { createTelegramAdapter } = await import("../../bots/telegram/adapter.ts");
  const menu = desk.registry.commands.map((command) => ({ command: slugOf(command), description: command.summary, role: command.role }));
  const { locale, zone, public_url } = config;
  const webhook = public_url === null ? null : { url: `${public_url}/webhooks/telegram`, ...secretsOf(config, secretKey) };
  const tooFast: TelegramDeps["tooFast"] = async ({ speaker, request_id, ...spoken }) => {
    const words = await limitPresses({ speaker, request_id }, ephemeral, config.person_limits.lines);
    return words && desk.texts.say(words, spoken.locale, spoken.zone);
  };
  return [createTelegramAdapter({ ...telegram, menu, leases, intake, people: desk.stores.people, tooFast, locale, zone, log, webhook })];
}

/** What Telegram shows when it calls us; derived from the keys where none is set. */
function secretsOf({ telegram_webhook_secret: set, secret_key_old: old }: Config, key: Buffer) {
  if (set !== null) return { secret: set, old_secret: null };
  return { secret: webhookSecret(key, "telegram"), old_secret: old && webhookSecret(old, "telegram") };
}

/** Starts to receive, where this process is to. Its adapters are used, and so ended, in any case: by webhooks, and for what is taken over. */
export function startBots(adapters: readonly BotAdapter[], receiving: boolean): Part {
  if (receiving) for (const adapter of adapters) adapter.start();
  return {
    async stop() {
      await Promise.all(adapters.map((adapter) => adapter.stop()));
    },
  };
}
