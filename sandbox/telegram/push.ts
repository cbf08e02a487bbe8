import type { Bot } from "./bot.ts";
import type { Update, Webhook } from "./types.ts";

/** Updates pushed to the bot's webhook. */
export interface Push {
  /** Pushes no more, and lets go of what is on its way. */
  end(): void;
}

/** The real pauses are not documented, only that they grow; these are short, so that nobody waits for a sandbox. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
const PATIENCE_MS = 60_000;
/** As the real server names the header: https://core.telegram.org/bots/api#setwebhook */
const SECRET_HEADER = "x-telegram-bot-api-secret-token";

interface Pushing {
  readonly bot: Bot;
  readonly act: (reply: string) => Promise<void>;
  readonly ending: AbortController;
  /** Updates that are tried now; at most `max_connections`. */
  readonly flying: Set<number>;
  /** Updates that failed, until their pause is over. */
  readonly resting: Map<number, NodeJS.Timeout>;
  /** How often an update failed so far. */
  readonly failures: Map<number, number>;
}

/**
 * Pushes updates to the webhook that is set: several at once, so that their order is not kept, and again with growing pauses until the answer
 * is 2xx. @param act carries out the call that an answer may hold
 */
export function createPush(bot: Bot, act: Pushing["act"]): Push {
  const pushing: Pushing = { bot, act, ending: new AbortController(), flying: new Set(), resting: new Map(), failures: new Map() };
  bot.onUpdate(() => pump(pushing));
  // A sandbox that comes back goes on with what it knew.
  pump(pushing);
  return {
    end() {
      pushing.ending.abort();
      for (const timer of pushing.resting.values()) clearTimeout(timer);
    },
  };
}

function pump(pushing: Pushing): void {
  const { bot, flying, resting, ending } = pushing;
  const webhook = bot.store.webhook();
  if (!webhook || ending.signal.aborted) return;
  for (const update of [...bot.store.again.values(), ...bot.store.pending.values()]) {
    if (flying.size >= webhook.max_connections) return;
    if (flying.has(update.update_id) || resting.has(update.update_id)) continue;
    void fly(pushing, webhook, update);
  }
}

async function fly(pushing: Pushing, webhook: Webhook, update: Update): Promise<void> {
  const { bot, flying, failures, ending } = pushing;
  const { update_id } = update;
  flying.add(update_id);
  const trouble = await post(pushing, webhook, update);
  flying.delete(update_id);
  if (ending.signal.aborted) return;
  const note = { kind: "call", method: "webhook", update_ids: [update_id], status: trouble ?? 200 };
  if (trouble === undefined) {
    failures.delete(update_id);
    bot.commit(note, [{ type: "delivered", update_id }]);
  } else {
    bot.commit(note, [{ type: "webhook_error", date: Math.floor(bot.now() / 1_000), message: trouble }]);
    rest(pushing, update_id);
  }
  pump(pushing);
}

function rest(pushing: Pushing, update_id: number): void {
  const { resting, failures } = pushing;
  const failed = failures.get(update_id) ?? 0;
  failures.set(update_id, failed + 1);
  const again = () => {
    resting.delete(update_id);
    pump(pushing);
  };
  resting.set(update_id, setTimeout(again, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failed, 10))));
}

/** @returns what went wrong, in the words of the real server; undefined: it was taken */
async function post({ act, ending }: Pushing, { url, secret_token }: Webhook, update: Update): Promise<string | undefined> {
  const secret = secret_token === undefined ? {} : { [SECRET_HEADER]: secret_token };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...secret },
      body: JSON.stringify(update),
      redirect: "manual",
      signal: AbortSignal.any([ending.signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    const body = await response.text();
    if (!response.ok) return `Wrong response from the webhook: ${response.status} ${response.statusText}`;
    await act(body).catch(() => undefined);
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error && thrown.name === "TimeoutError" ? "Read timeout expired" : "Connection refused";
  }
}
