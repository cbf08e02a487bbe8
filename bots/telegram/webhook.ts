import { createHash, timingSafeEqual } from "node:crypto";
import type { Update, WebhookInfo } from "grammy/types";
import { OpsError } from "../../core/errors.ts";
import type { Intake, PartState } from "../../core/ports.ts";
import { text } from "../../core/reply.ts";
import type { Webhook } from "../../core/webhook.ts";
import { type Duty, startDuty } from "./duty.ts";
import { toEvent } from "./inbound.ts";
import { MAX_CONNECTIONS } from "./limits.ts";
import { KINDS, type ReceivingDeps } from "./polling.ts";

/** Where Telegram calls us, and what it shows each time. */
export interface WebhookSettings {
  readonly url: string;
  readonly secret: string;
  /** What it may show as well while the secret is changed; null: nothing. */
  readonly old_secret: string | null;
}

/** https://core.telegram.org/bots/api#setwebhook */
const SECRET_HEADER = "x-telegram-bot-api-secret-token";
/** How often we look whether our webhook still stands: another program with the token may have set its own. */
const LOOK_AGAIN_MS = 60_000;

interface DoorDeps extends Pick<WebhookSettings, "secret" | "old_secret"> {
  readonly bot_id: number;
  readonly intake: Intake;
  /** Told of each update before it is stored. */
  readonly expect?: (update: Update) => void;
}

/** The door for Telegram's calls: whoever does not know the secret is not heard. */
export function createTelegramWebhook(deps: DoorDeps): Webhook {
  const expected = [deps.secret, deps.old_secret].filter((secret) => secret !== null).map(digest);
  return {
    verify(headers) {
      const given = headers[SECRET_HEADER];
      // Digests are of one length, so that the comparison tells nothing.
      return typeof given === "string" && expected.some((secret) => timingSafeEqual(digest(given), secret));
    },
    async receive(body) {
      const update = parseUpdate(body);
      deps.expect?.(update);
      await deps.intake.receive([toEvent(deps.bot_id, update)]);
    },
  };
}

function digest(words: string): Buffer {
  return createHash("sha256").update(words).digest();
}

function parseUpdate(body: Buffer): Update {
  try {
    const update: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (isUpdate(update)) return update;
  } catch {
    // Said below: what is no JSON is no update either.
  }
  throw new OpsError("bad_request", "the body is no update of Telegram", { text: text("telegram.not_an_update") });
}

function isUpdate(value: unknown): value is Update {
  return typeof value === "object" && value !== null && "update_id" in value && Number.isSafeInteger(value.update_id);
}

/** Sets the webhook, and again whenever it is another than ours, for as long as this process holds the token's lease. */
export function startWebhook(deps: ReceivingDeps & { readonly webhook: WebhookSettings }): Duty {
  let introduced = false;
  // Telegram may hold the old secret, which is not refused.
  let isChanging = deps.webhook.old_secret !== null;
  /** The refusal of our secret that was acted on already. */
  let refused_at = 0;
  return startDuty({
    ...deps,
    elsewhere: "another process looks after the webhook",
    async round() {
      if (!introduced) deps.onReady(await deps.api.getMe());
      introduced = true;
      const info = await deps.api.getWebhookInfo();
      const isRefused = isSecretRefused(info) && (info.last_error_date ?? 0) > refused_at;
      if (differs(info, deps.webhook.url) || isRefused || isChanging) {
        refused_at = info.last_error_date ?? 0;
        const { url, secret: secret_token } = deps.webhook;
        await deps.api.setWebhook(url, { secret_token, allowed_updates: [...KINDS], max_connections: MAX_CONNECTIONS });
        isChanging = false;
        deps.log.info({ platform: "telegram" }, "Telegram's webhook is set");
        return { rest_ms: LOOK_AGAIN_MS };
      }
      return { rest_ms: LOOK_AGAIN_MS, ...stateOf(info) };
    },
  });
}

function differs(info: WebhookInfo, url: string): boolean {
  const kinds: readonly string[] = info.allowed_updates ?? [];
  const isAsked = kinds.length === KINDS.length && KINDS.every((kind) => kinds.includes(kind));
  return info.url !== url || !isAsked || info.max_connections !== MAX_CONNECTIONS;
}

/** Telegram does not tell which secret it holds. Where it is an old one we refuse its calls, and that it does tell. */
function isSecretRefused(info: WebhookInfo): boolean {
  return /\b401\b/.test(info.last_error_message ?? "");
}

/** While updates wait and the last call failed, people are not heard. */
function stateOf(info: WebhookInfo): { readonly state?: PartState } {
  if (!info.pending_update_count || !info.last_error_message) return {};
  return { state: { part: "telegram", state: "degraded", note: `Telegram cannot reach PUBLIC_URL: ${info.last_error_message}` } };
}
