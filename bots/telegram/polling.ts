import { type Api, GrammyError } from "grammy";
import type { Update } from "grammy/types";
import { OpsError } from "../../core/errors.ts";
import type { Intake, Leases, Logger, PartState } from "../../core/ports.ts";
import { toEvent } from "./inbound.ts";
import { redactToken } from "./outbound.ts";

/** What polling needs. */
export interface PollingDeps {
  readonly api: Api;
  readonly token: string;
  readonly intake: Intake;
  readonly leases: Leases;
  readonly log: Logger;
  /** Told who the bot is, as soon as Telegram has said it and before the first update. */
  readonly onReady: (me: { readonly id: number; readonly username: string }) => void;
}

/** A poller at work. */
export interface Polling {
  stop(): Promise<void>;
  state(): PartState;
}

/** How long Telegram holds an empty answer back. */
const HOLD_S = 25;
const LONGEST_PAUSE_MS = 30_000;
/** Another process polls, or the token is refused: worth a look now and then. */
const CONFLICT_PAUSE_MS = 3_000;
const REFUSED_PAUSE_MS = 60_000;
const LEASE_PAUSE_MS = 500;
/** What Telegram answers to a token it does not know, and to one that is none. */
const REFUSED = new Set([401, 404]);
const KINDS = ["message", "callback_query"] as const;

const ELSEWHERE: PartState = { part: "telegram", state: "ok", note: "another process polls" };
const NO_DATABASE: PartState = { part: "telegram", state: "degraded", note: "waiting for the database" };

interface Position {
  offset: number;
  bot_id: number | null;
  failures: number;
  state: PartState;
}

/**
 * Fetches updates for as long as this process holds the token's lease. A batch is stored before the next is fetched: fetching confirms it,
 * and Telegram forgets what is confirmed. Outages, 429, 409 and 401 are waited out; each is logged once when it begins and once when it is over.
 */
export function startPolling(deps: PollingDeps): Polling {
  const stopping = new AbortController();
  const position: Position = { offset: 0, bot_id: null, failures: 0, state: { part: "telegram", state: "degraded", note: "starting" } };
  const done = poll(deps, position, stopping.signal);
  return {
    state: () => position.state,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function poll(deps: PollingDeps, position: Position, stopping: AbortSignal): Promise<void> {
  const bot = deps.token.split(":", 1)[0];
  while (!stopping.aborted) {
    const lease = await deps.leases.lease(`telegram:${bot}`).catch(() => undefined);
    if (!lease) {
      position.state = lease === null ? ELSEWHERE : NO_DATABASE;
      await pause(LEASE_PAUSE_MS, stopping);
      continue;
    }
    while (lease.held() && !stopping.aborted) await round(deps, position, stopping);
    await lease.release().catch(() => undefined);
  }
}

async function round(deps: PollingDeps, position: Position, stopping: AbortSignal): Promise<void> {
  try {
    if (position.bot_id === null) await introduce(deps, position);
    const updates = await fetchUpdates(deps, position, stopping);
    if (updates.length > 0) await deps.intake.receive(updates.map((update) => toEvent(position.bot_id ?? 0, update)));
    // Only now: the next fetch confirms these.
    position.offset = (updates.at(-1)?.update_id ?? position.offset - 1) + 1;
    if (position.failures > 0) deps.log.info({ platform: "telegram" }, "Telegram's updates come in again");
    position.failures = 0;
    position.state = { part: "telegram", state: "ok" };
  } catch (thrown) {
    if (!stopping.aborted) await pause(afterFailure(deps, position, thrown), stopping);
  }
}

/** Long polling and a webhook exclude each other; updates that wait are kept. */
async function introduce(deps: PollingDeps, position: Position): Promise<void> {
  const me = await deps.api.getMe();
  await deps.api.deleteWebhook();
  deps.onReady({ id: me.id, username: me.username });
  position.bot_id = me.id;
  position.state = { part: "telegram", state: "ok" };
}

async function fetchUpdates({ api }: PollingDeps, { offset, failures }: Position, stopping: AbortSignal): Promise<Update[]> {
  // After a failure Telegram is not to hold its answer back: it says that all is well again.
  const options = { timeout: failures > 0 ? 0 : HOLD_S, allowed_updates: [...KINDS], ...(offset > 0 && { offset }) };
  // grammY takes its own AbortSignal type (of node-fetch); the platform's is one in all that is used.
  return api.getUpdates(options, stopping as Parameters<Api["getUpdates"]>[1]);
}

/** What to do about a failure. @returns how long to wait, in milliseconds */
function afterFailure({ log, token }: PollingDeps, position: Position, thrown: unknown): number {
  const code = thrown instanceof GrammyError ? thrown.error_code : 0;
  const reason = redactToken(thrown instanceof Error ? thrown.message : String(thrown), token);
  const refused = REFUSED.has(code);
  position.failures += 1;
  position.state = {
    part: "telegram",
    state: refused ? "down" : "degraded",
    note: refused ? "TELEGRAM_BOT_TOKEN is refused" : reason,
  };
  if (position.failures === 1) log.warn({ platform: "telegram", code, reason }, sentenceFor(thrown, code));
  if (thrown instanceof GrammyError && thrown.parameters.retry_after !== undefined) return thrown.parameters.retry_after * 1_000;
  if (refused) return REFUSED_PAUSE_MS;
  if (code === 409) return CONFLICT_PAUSE_MS;
  return Math.min(LONGEST_PAUSE_MS, 250 * 2 ** Math.min(position.failures, 8));
}

function sentenceFor(thrown: unknown, code: number): string {
  if (thrown instanceof OpsError) return "what Telegram hands over cannot be stored; it is fetched again";
  if (REFUSED.has(code)) return "Telegram refuses TELEGRAM_BOT_TOKEN; correct it and start again";
  if (code === 409) return "another program fetches this bot's updates, or a webhook is set; waiting for it to end";
  if (code === 429) return "Telegram asks to slow down; waiting as long as it says";
  return "Telegram cannot be reached; trying on";
}

function pause(ms: number, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopping.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      stopping.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stopping.addEventListener("abort", end, { once: true });
  });
}
