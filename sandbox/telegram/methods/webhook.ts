import { z } from "zod";
import type { Method } from "../bot.ts";
import { booleanParam, integerParam, jsonParam, type Params, textParam } from "../params.ts";
import { badRequest } from "../refusal.ts";
import type { Change } from "../types.ts";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Loopback over plain HTTP is ours alone: the real server wants HTTPS, on port 443, 80, 88 or 8443. */
function checkUrl(url: string): void {
  if (!URL.canParse(url)) throw badRequest("bad webhook: invalid webhook URL specified");
  const { protocol, hostname } = new URL(url);
  const secure = protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
  if (!secure) throw badRequest("bad webhook: An HTTPS URL must be provided for webhook");
}

/** The kinds of update the bot wants from now on; undefined: as before. */
export function allowedParam(params: Params): readonly string[] | undefined {
  const value = jsonParam(params, "allowed_updates", "allowed_updates");
  if (value === undefined) return undefined;
  const parsed = z.array(z.string()).safeParse(value);
  if (!parsed.success) throw badRequest("can't parse allowed_updates: Expected an Array of strings");
  return parsed.data;
}

function dropPending(params: Params, lastUpdateId: number): Change[] {
  return booleanParam(params, "drop_pending_updates") ? [{ type: "confirmed", below: lastUpdateId + 1 }] : [];
}

/** https://core.telegram.org/bots/api#deletewebhook */
export const deleteWebhook: Method = ({ store }, params) => ({
  result: true,
  description: store.webhook() ? "Webhook was deleted" : "Webhook is already deleted",
  changes: [...(store.webhook() ? [{ type: "webhook", webhook: null } as const] : []), ...dropPending(params, store.lastUpdateId())],
});

/** https://core.telegram.org/bots/api#setwebhook. It turns polling off; push.ts does the rest. */
export const setWebhook: Method = (bot, params) => {
  const url = textParam(params, "url");
  if (url === "") return deleteWebhook(bot, params);
  checkUrl(url);
  const secret = textParam(params, "secret_token");
  if (secret.length > 256) throw badRequest("secret token is too long");
  if (!/^[\w-]*$/.test(secret)) throw badRequest("secret token contains unallowed characters");
  const kinds = allowedParam(params);
  const max_connections = Math.min(100, Math.max(1, integerParam(params, "max_connections") ?? 40));
  const webhook = { url, secret_token: secret || undefined, allowed_updates: kinds, max_connections };
  const allowed = kinds ? [{ type: "allowed", kinds } as const] : [];
  const changes = [{ type: "webhook", webhook } as const, ...allowed, ...dropPending(params, bot.store.lastUpdateId())];
  return { result: true, description: "Webhook was set", changes };
};

/** https://core.telegram.org/bots/api#getwebhookinfo */
export const getWebhookInfo: Method = ({ store }) => {
  const webhook = store.webhook();
  const kinds = store.allowed();
  const status = { url: webhook?.url ?? "", has_custom_certificate: false, pending_update_count: store.pending.size };
  const connections = webhook ? { max_connections: webhook.max_connections } : {};
  const error = store.webhookError();
  const trouble = error ? { last_error_date: error.date, last_error_message: error.message } : {};
  return { result: { ...status, ...connections, ...trouble, ...(kinds.length > 0 ? { allowed_updates: kinds } : {}) } };
};
