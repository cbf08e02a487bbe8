import type { Ephemeral } from "../../core/ports.ts";
import type { Destination } from "../../core/stores.ts";
import { type AttemptDeps, attempt } from "./attempt.ts";
import { bookMessage, tokenKey } from "./budgets.ts";
import { createFairQueue, type Waiting } from "./fair-queue.ts";
import { createRests } from "./rests.ts";
import { createSleeper, type Sleeper } from "./sleeper.ts";

/** What sending with one token needs. */
export interface DispatcherDeps extends Omit<AttemptDeps, "queue" | "rests"> {
  readonly ephemeral: Pick<Ephemeral, "book" | "put" | "get">;
}

/** Sends the messages of one token, each in its turn. */
export interface Dispatcher {
  has(delivery_id: string): boolean;
  /** Lets an open message wait for its turn. One that finds no room is left to the sweeper. */
  offer(delivery_id: string, to: Destination): void;
  /** Resolves when nothing is being sent any more; the process must be stopping. */
  idle(): Promise<void>;
}

/** Messages that may wait in one process; the others wait in the database. */
const MAX_WAITING = 20_000;
/** Messages being sent at once. */
const MAX_SENDING = 100;
/** What was seen to be open is taken to be so for this long. */
const FRESH_MS = 1_000;
/** How long all rest when the database or the budgets are away. */
const AWAY_MS = 1_000;
/** While answers leave no room, every so many-th message is a bulk one, so that those get through at last. */
const BULK_EVERY = 10;

interface State extends AttemptDeps, Pick<DispatcherDeps, "ephemeral"> {
  readonly sleeper: Sleeper;
  readonly sending: Set<Promise<void>>;
  /** Until when the budgets of the token are used up, in milliseconds since 1970. */
  readonly until: { token: number; bulk: number };
  /** Interactive messages since the last bulk one. */
  answers: number;
}

/**
 * One loop for all chats of a token. It takes the next message in turn whose chat is free, books all its budgets at once, and only then
 * claims it, so that a "running" message whose run has ended meanwhile is never sent: its answer is. It sleeps until something may be free.
 */
export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { channel, ephemeral, stopping } = deps;
  const queue = createFairQueue();
  const sleeper = createSleeper(stopping);
  const rests = createRests(ephemeral, tokenKey(channel));
  const state: State = { ...deps, queue, rests, sleeper, sending: new Set(), until: { token: 0, bulk: 0 }, answers: 0 };
  const done = loop(state);
  return {
    has: queue.has,
    offer(delivery_id, { address, lane, caused_by }) {
      if (queue.size() >= MAX_WAITING || stopping.aborted) return;
      queue.add({ delivery_id, address, lane, caused_by, seen_at: Date.now() });
      sleeper.wake();
    },
    idle: () => done,
  };
}

async function loop(state: State): Promise<void> {
  const { sleeper, sending, stopping, until, log, channel } = state;
  while (!stopping.aborted) {
    const message = nextTurn(state);
    if (!message) {
      await sleeper.sleep(untilNextTurn(state));
      continue;
    }
    await take(state, message).catch((thrown: unknown) => {
      log.debug({ err: thrown, platform: channel.platform }, "messages wait for their budgets");
      until.token = Date.now() + AWAY_MS;
    });
  }
  while (sending.size > 0) await Promise.all(sending);
}

/** The message whose turn it is, if any may be sent now. */
function nextTurn({ queue, rests, sending, until, answers }: State): Waiting | undefined {
  const now = Date.now();
  if (sending.size >= MAX_SENDING || until.token > now || rests.left() > 0) return undefined;
  const interactive = queue.next("interactive");
  const bulk = until.bulk > now ? undefined : queue.next("bulk");
  return bulk && answers >= BULK_EVERY - 1 ? bulk : (interactive ?? bulk);
}

/** In milliseconds. What else may make room (a chat that is free again, a message that has come) wakes the loop. */
function untilNextTurn({ queue, rests, sending, until }: State): number {
  const now = Date.now();
  const token_ms = Math.max(until.token - now, rests.left());
  if (queue.size() === 0 || sending.size >= MAX_SENDING) return Number.POSITIVE_INFINITY;
  if (token_ms > 0) return token_ms;
  return until.bulk > now ? until.bulk - now : Number.POSITIVE_INFINITY;
}

async function take(state: State, message: Waiting): Promise<void> {
  const { queue, sending } = state;
  if (!(await stillOpen(state, message)) || !(await booked(state, message))) return;
  state.answers = message.lane === "bulk" ? 0 : state.answers + 1;
  queue.turnOver(message);
  queue.close(message.address);
  const work = attempt(state, message).then((ms) => {
    sending.delete(work);
    rest(state, message.address, ms);
  });
  sending.add(work);
}

/** Whether it is still open and its chat free; what was seen just now is. Asked for before it is booked, for a booking cannot be given back. */
async function stillOpen(state: State, message: Waiting): Promise<boolean> {
  const { queue, deliveries } = state;
  const { delivery_id, address, seen_at } = message;
  if (Date.now() - seen_at < FRESH_MS) return true;
  const found = await deliveries.locate(delivery_id);
  if (found?.address !== address) {
    queue.remove(delivery_id);
    if (found) queue.add({ ...found, delivery_id, seen_at: Date.now() });
    return false;
  }
  if (found.rest_ms > 0) rest(state, address, found.rest_ms);
  return found.rest_ms === 0;
}

async function booked(state: State, message: Waiting): Promise<boolean> {
  const { ephemeral, channel, rests, until, stopping } = state;
  const [waits] = await Promise.all([bookMessage(ephemeral, channel, message), rests.look()]);
  const now = Date.now();
  until.token = Math.max(until.token, now + waits.token);
  until.bulk = Math.max(until.bulk, now + waits.bulk);
  if (waits.chat > 0) rest(state, message.address, waits.chat);
  return waits.token + waits.bulk + waits.chat === 0 && rests.left() === 0 && !stopping.aborted;
}

/** The chat has no turn for so many milliseconds; for 0 it is free at once. */
function rest({ queue, sleeper }: State, address: string, ms: number): void {
  if (ms > 0) queue.close(address);
  sleeper.later(ms, () => queue.open(address));
}
