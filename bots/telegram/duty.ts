import { setTimeout as sleep } from "node:timers/promises";
import { GrammyError } from "grammy";
import { OpsError } from "../../core/errors.ts";
import type { Leases, Logger, PartState } from "../../core/ports.ts";
import { redactToken } from "./errors.ts";

/** What a duty needs. */
export interface DutyDeps {
  readonly token: string;
  readonly leases: Leases;
  readonly log: Logger;
  /**
   * One round of it.
   * @param failures how many rounds before this one failed in a row
   * @returns how long to rest until the next, in milliseconds, and a state where it is another than "ok"
   */
  readonly round: (failures: number, stopping: AbortSignal) => Promise<{ readonly rest_ms: number; readonly state?: PartState }>;
  /** What a state says in a process that only stands by. */
  readonly elsewhere: string;
}

/** Something that one process at a time does with a bot's token, again and again. */
export interface Duty {
  stop(): Promise<void>;
  state(): PartState;
}

const LONGEST_PAUSE_MS = 30_000;
/** Another process polls, or the token is refused: worth a look now and then. */
const CONFLICT_PAUSE_MS = 3_000;
const REFUSED_PAUSE_MS = 60_000;
const LEASE_PAUSE_MS = 500;
/** What Telegram answers to a token it does not know, and to one that is none. */
const REFUSED = new Set([401, 404]);

const OK: PartState = { part: "telegram", state: "ok" };
const NO_DATABASE: PartState = { part: "telegram", state: "degraded", note: "waiting for the database" };

interface Position {
  failures: number;
  state: PartState;
}

/**
 * Goes round for as long as this process holds the token's lease. Outages, 429, 409 and 401 are waited out; each is logged once when it
 * begins and once when it is over.
 */
export function startDuty(deps: DutyDeps): Duty {
  const stopping = new AbortController();
  const position: Position = { failures: 0, state: { part: "telegram", state: "degraded", note: "starting" } };
  const done = goRound(deps, position, stopping.signal);
  return {
    state: () => position.state,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function goRound(deps: DutyDeps, position: Position, stopping: AbortSignal): Promise<void> {
  const bot = deps.token.split(":", 1)[0];
  while (!stopping.aborted) {
    const lease = await deps.leases.lease(`telegram:${bot}`).catch(() => undefined);
    if (!lease) {
      position.state = lease === null ? { ...OK, note: deps.elsewhere } : NO_DATABASE;
      await pause(LEASE_PAUSE_MS, stopping);
      continue;
    }
    while (lease.held() && !stopping.aborted) await oneRound(deps, position, stopping);
    await lease.release().catch(() => undefined);
  }
}

async function oneRound(deps: DutyDeps, position: Position, stopping: AbortSignal): Promise<void> {
  try {
    const { rest_ms, state } = await deps.round(position.failures, stopping);
    if (position.failures > 0) deps.log.info({ platform: "telegram" }, "Telegram's updates come in again");
    position.failures = 0;
    position.state = state ?? OK;
    await pause(rest_ms, stopping);
  } catch (thrown) {
    if (!stopping.aborted) await pause(afterFailure(deps, position, thrown), stopping);
  }
}

/** What to do about a failure. @returns how long to wait, in milliseconds */
function afterFailure({ log, token }: DutyDeps, position: Position, thrown: unknown): number {
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
  if (code === 400) return "Telegram does not take this webhook; PUBLIC_URL must be an https URL that it can reach";
  if (code === 409) return "another program fetches this bot's updates, or a webhook is set; waiting for it to end";
  if (code === 429) return "Telegram asks to slow down; waiting as long as it says";
  return "Telegram cannot be reached; trying on";
}

/** Waits, or until the process stops. */
export async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: stopping }).catch(() => undefined);
}
