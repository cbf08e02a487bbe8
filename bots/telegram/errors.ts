import { GrammyError, HttpError } from "grammy";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";

/** Telegram always says how long to wait; should it once not, this long. */
const UNTOLD_WAIT_MS = 5_000;

/** A text without the bot's token, or the secret half of it, in whatever spelling an URL has it. */
export function redactToken(words: string, token: string): string {
  const secret = token.slice(token.indexOf(":") + 1);
  return [token, encodeURIComponent(token), secret].filter(Boolean).reduce((left, form) => left.replaceAll(form, "[token]"), words);
}

/** What went wrong with a call, without the token and without a cause: grammY's errors quote the URL. */
export function toTelegramError(thrown: unknown, what: string, token: string): OpsError {
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
