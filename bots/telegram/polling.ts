import type { Api } from "grammy";
import type { Update } from "grammy/types";
import type { Intake, Leases, Logger } from "../../core/ports.ts";
import { type Duty, startDuty } from "./duty.ts";
import { toEvent } from "./inbound.ts";

/** What receiving needs, by polling or by webhook. */
export interface ReceivingDeps {
  readonly api: Api;
  readonly token: string;
  readonly leases: Leases;
  readonly log: Logger;
  /** Told who the bot is, as soon as Telegram has said it and before the first update. */
  readonly onReady: (me: { readonly id: number; readonly username: string }) => void;
}

/** The kinds of update we ask for. */
export const KINDS = ["message", "callback_query"] as const;

/** How long Telegram holds an empty answer back. */
const HOLD_S = 25;

interface Position {
  offset: number;
  bot_id: number | null;
}

/**
 * Fetches updates for as long as this process holds the token's lease. A batch is stored before the next is fetched: fetching confirms it,
 * and Telegram forgets what is confirmed.
 */
export function startPolling(deps: ReceivingDeps & { readonly intake: Intake }): Duty {
  const position: Position = { offset: 0, bot_id: null };
  return startDuty({
    ...deps,
    elsewhere: "another process polls",
    async round(failures, stopping) {
      const { bot_id } = position;
      if (bot_id === null) {
        position.bot_id = await introduce(deps);
        return { rest_ms: 0 };
      }
      const updates = await fetchUpdates(deps, { offset: position.offset, failures }, stopping);
      if (updates.length > 0) await deps.intake.receive(updates.map((update) => toEvent(bot_id, update)));
      // Only now: the next fetch confirms these.
      position.offset = (updates.at(-1)?.update_id ?? position.offset - 1) + 1;
      return { rest_ms: 0 };
    },
  });
}

/** Long polling and a webhook exclude each other; updates that wait are kept. */
async function introduce({ api, onReady }: ReceivingDeps): Promise<number> {
  const me = await api.getMe();
  await api.deleteWebhook();
  onReady({ id: me.id, username: me.username });
  return me.id;
}

async function fetchUpdates(
  { api }: ReceivingDeps,
  { offset, failures }: { offset: number; failures: number },
  stopping: AbortSignal,
): Promise<Update[]> {
  // After a failure Telegram is not to hold its answer back: it says that all is well again.
  const options = { timeout: failures > 0 ? 0 : HOLD_S, allowed_updates: [...KINDS], ...(offset > 0 && { offset }) };
  // grammY takes its own AbortSignal type (of node-fetch); the platform's is one in all that is used.
  return api.getUpdates(options, stopping as Parameters<Api["getUpdates"]>[1]);
}
