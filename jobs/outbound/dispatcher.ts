import type { Destination } from "../../core/stores.ts";
import { type AttemptDeps, attempt } from "./attempt.ts";
import { bookMessage, tokenKey } from "./budgets.ts";
import { createFairQueue, type Waiting } from "./fair-queue.ts";
import { createRests } from "./rests.ts";
import { createSleeper, type Sleeper } from "./sleeper.ts";

/** What sending with one token needs. */
export type DispatcherDeps = Omit<AttemptDeps, "queue" | "rests">;

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
/** At most so many interactive messages are booked together. */
const TOGETHER = 16;
/** What was seen to be open is taken to be so for this long. */
const FRESH_MS = 1_000;
/** How long all rest when the database or the budgets are away. */
const AWAY_MS = 1_000;
/** While answers leave no room, every so many-th message is a bulk one, so that those get through at last. */
const BULK_EVERY = 10;

interface State extends AttemptDeps {
  readonly sleeper: Sleeper;
  readonly sending: Set<Promise<void>>;
  /** Until when the budgets of the token are used up, in milliseconds since 1970. */
  readonly until: { token: number; bulk: number };
  /** How many interactive messages are booked together now. */
  together: number;
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
  const state: State = { ...deps, queue, rests, sleeper, sending: new Set(), until: { token: 0, bulk: 0 }, together: 1, answers: 0 };
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
  const { queue, sleeper, sending, stopping } = state;
  while (!stopping.aborted) {
    const batch = nextTurns(state);
    if (batch.length === 0) {
      await sleeper.sleep(untilNextTurn(state));
      continue;
    }
    const keepTurn = (await Promise.all(batch.map((message) => take(state, message)))).filter((message) => message !== null);
    queue.giveBack(keepTurn);
    // Of several that are booked together any may find the last room, so where that is short they are booked one by one, in their order.
    state.together = keepTurn.length > 0 ? 1 : Math.min(2 * state.together, TOGETHER);
  }
  while (sending.size > 0) await Promise.all(sending);
}

/**
 * The messages whose turn it is, if any may be sent now: interactive ones together, so that a slow store is waited for once, or one of the
 * bulk lane. The chats of the interactive ones are closed; those that find no room in the token's budget are given their turns back.
 */
function nextTurns({ queue, rests, sending, until, together, answers }: State): readonly Waiting[] {
  const now = Date.now();
  const room = Math.min(together, MAX_SENDING - sending.size);
  if (room <= 0 || until.token > now || rests.left() > 0) return [];
  const bulk = until.bulk > now ? undefined : queue.next("bulk");
  if (bulk && answers >= BULK_EVERY - 1) return [bulk];
  const batch: Waiting[] = [];
  for (let next = queue.next("interactive"); next && batch.length < room; next = queue.next("interactive")) {
    queue.turnOver(next);
    queue.close(next.address);
    batch.push(next);
  }
  return batch.length > 0 || !bulk ? batch : [bulk];
}

/** In milliseconds. What else may make room (a chat that is free again, a message that has come) wakes the loop. */
function untilNextTurn({ queue, rests, sending, until }: State): number {
  const now = Date.now();
  const token_ms = Math.max(until.token - now, rests.left());
  if (queue.size() === 0 || sending.size >= MAX_SENDING) return Number.POSITIVE_INFINITY;
  if (token_ms > 0) return token_ms;
  return until.bulk > now ? until.bulk - now : Number.POSITIVE_INFINITY;
}

/** Books a message and begins to send it. Never rejects. @returns the message where it keeps its turn, for only the token is short */
async function take(state: State, message: Waiting): Promise<Waiting | null> {
  const { queue, sending, log, until } = state;
  const { address, lane } = message;
  const room = await roomFor(state, message).catch((thrown: unknown) => {
    log.debug({ err: thrown, address }, "a message waits for the database or its budgets");
    until.token = Date.now() + AWAY_MS;
    return "token" as const;
  });
  // A bulk message's chat was not closed, so it has its turn still.
  if (room === "token") return lane === "bulk" ? null : message;
  if (room !== "booked") {
    rest(state, address, room);
    return null;
  }
  state.answers = lane === "bulk" ? 0 : state.answers + 1;
  queue.turnOver(message);
  queue.close(address);
  const work = attempt(state, message).then((ms) => {
    sending.delete(work);
    rest(state, address, ms);
  });
  sending.add(work);
  return null;
}

/** Books it; else what it waits for: the token, or its chat for so many milliseconds. */
async function roomFor(state: State, message: Waiting): Promise<"booked" | "token" | number> {
  const { ephemeral, channel, rests, until, stopping } = state;
  const closed_ms = await chatRests(state, message);
  if (closed_ms !== null) return closed_ms;
  const waits = await bookMessage(ephemeral, channel, message);
  const now = Date.now();
  if (waits.token > 0) until.token = Math.max(until.token, now + waits.token);
  if (waits.bulk > 0) until.bulk = Math.max(until.bulk, now + waits.bulk);
  if (waits.chat > 0) return waits.chat;
  return waits.token + waits.bulk > 0 || rests.left() > 0 || stopping.aborted ? "token" : "booked";
}

/**
 * How long its chat rests, in milliseconds; null where the message is open and its chat free. What was seen just now is. It is asked for
 * before it is booked, for a booking cannot be given back.
 */
async function chatRests({ queue, deliveries }: State, message: Waiting): Promise<number | null> {
  const { delivery_id, address, seen_at } = message;
  if (Date.now() - seen_at < FRESH_MS) return null;
  const found = await deliveries.locate(delivery_id);
  if (found?.address === address) return found.rest_ms > 0 ? found.rest_ms : null;
  queue.remove(delivery_id);
  if (found) queue.add({ ...found, delivery_id, seen_at: Date.now() });
  return 0;
}

/** The chat has no turn for so many milliseconds; for 0 it is free at once. */
function rest({ queue, sleeper }: State, address: string, ms: number): void {
  if (ms > 0) queue.close(address);
  sleeper.later(ms, () => queue.open(address));
}
