import type { Bot } from "./bot.ts";
import { allowedParam } from "./methods/webhook.ts";
import { integerParam, type Params } from "./params.ts";
import { Refusal } from "./refusal.ts";
import type { Change, Update } from "./types.ts";

/** https://core.telegram.org/bots/api#getupdates */
const LIMIT_MAX = 100;
const TIMEOUT_MAX_S = 50;

const WEBHOOK_ACTIVE = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
const OTHER_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
const BY_WEBHOOK = "Conflict: terminated by setWebhook request";

interface HeldPoll {
  readonly limit: number;
  answer(updates: readonly Update[]): void;
  refuse(refusal: Refusal): void;
}

/** Long polling of one token. */
export interface Updates {
  /** Answers as soon as there is an update, or with none after the time the bot gave. Throws 409 as the real server does. */
  poll(params: Params, hangUp: AbortSignal): Promise<readonly Update[]>;
  /** Ends the poll that is held: a webhook was set. */
  endByWebhook(): void;
  /** Ends the poll that is held, with nothing. */
  end(): void;
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));

/** What an offset confirms: every lower id; a negative one keeps so many from the end. */
function confirmed({ store }: Bot, offset: number): Change[] {
  const ids = [...store.pending.keys()];
  const below = offset >= 0 ? offset : (ids.at(offset) ?? ids[0] ?? 0);
  return ids[0] !== undefined && ids[0] < below ? [{ type: "confirmed", below }] : [];
}

/** The kinds of update the bot asks for, when they are others than before. */
function asked({ store }: Bot, params: Params): Change[] {
  const kinds = allowedParam(params);
  return kinds && kinds.join() !== store.allowed().join() ? [{ type: "allowed", kinds }] : [];
}

/** The next updates: those to be delivered again come first, so that the last id of a batch is still the highest. */
function next({ store }: Bot, limit: number): { readonly updates: readonly Update[]; readonly changes: readonly Change[] } {
  const again = [...store.again.values()].slice(0, limit);
  const updates = [...again];
  for (const update of store.pending.values()) {
    if (updates.length >= limit) break;
    if (!store.again.has(update.update_id)) updates.push(update);
  }
  return { updates, changes: again.map(({ update_id }) => ({ type: "redelivered", update_id })) };
}

/** Makes the long polling of a bot. */
export function createUpdates(bot: Bot): Updates {
  let held: HeldPoll | undefined;

  const take = (limit: number): readonly Update[] => {
    const { updates, changes } = next(bot, limit);
    if (updates.length === 0) return updates;
    const update_ids = updates.map(({ update_id }) => update_id);
    bot.commit({ kind: "call", method: "getUpdates", status: 200, update_ids }, changes);
    return updates;
  };

  const hold = (limit: number, timeoutS: number, hangUp: AbortSignal) => {
    held?.refuse(new Refusal(409, OTHER_POLL));
    return new Promise<readonly Update[]>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        hangUp.removeEventListener("abort", giveUp);
        if (held === poll) held = undefined;
      };
      const answer = (updates: readonly Update[]) => {
        settle();
        resolve(updates);
      };
      const refuse = (refusal: Refusal) => {
        settle();
        reject(refusal);
      };
      const giveUp = () => answer([]);
      const timer = setTimeout(giveUp, timeoutS * 1_000);
      const poll: HeldPoll = { limit, answer, refuse };
      hangUp.addEventListener("abort", giveUp, { once: true });
      held = poll;
    });
  };

  bot.onUpdate(() => {
    if (!held || bot.store.webhook()) return;
    const poll = held;
    const updates = take(poll.limit);
    if (updates.length > 0) poll.answer(updates);
  });

  return {
    async poll(params, hangUp) {
      if (bot.store.webhook()) throw new Refusal(409, WEBHOOK_ACTIVE);
      const limit = clamp(integerParam(params, "limit") ?? LIMIT_MAX, 1, LIMIT_MAX);
      const timeoutS = clamp(integerParam(params, "timeout") ?? 0, 0, TIMEOUT_MAX_S);
      const changes = [...confirmed(bot, integerParam(params, "offset") ?? 0), ...asked(bot, params)];
      if (changes.length > 0) bot.commit({ kind: "note", method: "getUpdates" }, changes);
      const updates = take(limit);
      return updates.length > 0 || timeoutS === 0 || hangUp.aborted ? updates : hold(limit, timeoutS, hangUp);
    },
    endByWebhook: () => held?.refuse(new Refusal(409, BY_WEBHOOK)),
    end: () => held?.answer([]),
  };
}
