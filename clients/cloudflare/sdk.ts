import type { BaseAccessRules } from "cloudflare/resources/firewall/access-rules";
import { z } from "zod";
import { OpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { CALL_TIMEOUT_MS, type FetchOptions, pacedFetch, retryAfterMs } from "./fetch.ts";
import { PATIENCE_MS } from "./pace.ts";

/** Tries after the first, by the SDK, 0.5-1 s apart; none after a 429, see `pacedFetch`. */
const MAX_RETRIES = 2;
/** `firewallaccessrules.api.duplicate_of_existing`: a rule for the address is there, in whatever mode. */
const DUPLICATE = 10_009;
/** `firewallaccessrules.api.not_found`. The code alone says nothing, a rule that is not valid has it too; nor does the 404, a wrong zone has it. */
const NOT_FOUND = /not_found/;
/** "Invalid request headers": what a token of the wrong form is answered, with a 400. */
const BAD_HEADERS = 6_003;

/** What the SDK's errors say, read without loading its classes. Without a status nothing readable came back. */
const REFUSAL = z.object({
  status: z.number(),
  headers: z.instanceof(Headers).optional().catch(undefined),
  errors: z.array(z.object({ code: z.number(), message: z.string() })).catch([]),
});

/** What a failed call means. `open`: it may have been carried out all the same. */
export type Failure = "open" | "limited" | "token" | "duplicate" | "gone" | "refused";

/**
 * Loads the SDK (97 MB) and opens the access rules for one operation; a client is made in microseconds. Every option it would take
 * from a `CLOUDFLARE_*` variable is given, so that none is read by stealth.
 */
export async function openRules({ base_url, ...calls }: FetchOptions & { readonly base_url: string }): Promise<BaseAccessRules> {
  const { createClient } = await import("cloudflare/tree-shakable");
  const { BaseAccessRules } = await import("cloudflare/resources/firewall/access-rules");
  const client = createClient({
    resources: [BaseAccessRules],
    apiToken: calls.token,
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    baseURL: base_url,
    timeout: PATIENCE_MS + CALL_TIMEOUT_MS,
    maxRetries: MAX_RETRIES,
    logLevel: "off",
    fetch: pacedFetch(calls),
  });
  return client.firewall.accessRules;
}

/** What it means that a call of the SDK threw this. */
export function failureOf(thrown: unknown): Failure {
  const refusal = REFUSAL.safeParse(thrown).data;
  if (!refusal) return "open";
  const { status, errors } = refusal;
  const has = (code: number) => errors.some((error) => error.code === code);
  if (status === 429) return "limited";
  if (status >= 500 || status === 408) return "open";
  if (status === 401 || status === 403 || has(BAD_HEADERS)) return "token";
  if (has(DUPLICATE)) return "duplicate";
  if (status === 404 && errors.some(({ message }) => NOT_FOUND.test(message))) return "gone";
  return "refused";
}

/**
 * What the SDK threw as an `OpsError` that never shows the token. The original is not its cause: an HTTP client may quote a header
 * that it finds invalid, and that is the token.
 */
export function toEdgeError(thrown: unknown, what: string, token: string): OpsError {
  if (thrown instanceof OpsError) return thrown;
  const refusal = REFUSAL.safeParse(thrown).data;
  const redact = (words: string) => words.replaceAll(token, "[token]");
  const said = redact(refusal ? saidIn(refusal) : describe(thrown));
  const message = `Cloudflare ${what}: ${said}`;
  const retry_after_ms = retryAfterMs(refusal?.headers?.get("retry-after"));
  const wait = retry_after_ms === undefined ? {} : { retry_after_ms };
  switch (failureOf(thrown)) {
    case "open":
      return new OpsError("upstream_unavailable", message, { ...wait, text: text("cf.unreachable") });
    case "limited":
      return new OpsError("rate_limited", message, wait);
    case "token":
      return new OpsError("upstream_refused", message, { text: text("cf.token_refused") });
    default:
      return new OpsError("upstream_refused", message, { text: text("cf.refused", { reason: said }) });
  }
}

function saidIn({ status, errors }: z.infer<typeof REFUSAL>): string {
  const reasons = errors.map(({ code, message }) => `${code} ${message}`).join("; ");
  return `HTTP ${status}: ${reasons || "no reason given"}`;
}

/** The words of an error and of what caused it: "Connection error. connect ECONNREFUSED 127.0.0.1:1". */
function describe(thrown: unknown): string {
  if (thrown instanceof z.ZodError) return "an answer of an unknown form";
  if (!(thrown instanceof Error)) return String(thrown);
  // An error about several addresses of one host says nothing but its code.
  const said = thrown.message || ("code" in thrown ? String(thrown.code) : thrown.name);
  return thrown.cause instanceof Error ? `${said} ${describe(thrown.cause)}` : said;
}
