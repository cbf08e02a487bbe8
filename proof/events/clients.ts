import { setTimeout as sleep } from "node:timers/promises";
import type { Chance } from "./chance.ts";
import type { Pace } from "./pace.ts";
import { type Purchase, toEvent } from "./purchases.ts";

/** What a client sends at once: one event by itself, or several as an array. */
export interface Parcel {
  readonly path: string;
  readonly body: string;
  readonly ids: readonly string[];
}

/** Events that were acknowledged together. Times are in milliseconds since 1970. */
interface Acknowledgement {
  readonly ids: readonly string[];
  readonly sent_at: number;
  readonly answered_at: number;
}

/** What the clients have met so far. */
export interface Tally {
  readonly acknowledgements: Acknowledgement[];
  /** Events that were acknowledged, each copy for itself. */
  acknowledged: number;
  sends: number;
  /** Answers 503: to be sent again later. */
  refused: number;
  /** Nobody listened. */
  unreachable: number;
  /** Cut before the answer: nobody knows whether the events were taken. */
  cut: number;
  /** How long the slowest 503, and the slowest 200, took. */
  slowest_refusal_ms: number;
  slowest_ms: number;
  /** Answers that the contract does not know. */
  readonly wrong: string[];
}

/** Whom the clients send to, and how. */
export interface Audience {
  readonly urls: readonly string[];
  /** The clients have them in turn. */
  readonly keys: readonly string[];
  readonly pace: Pace;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

const CLIENTS = 16;
/** Of the events half go by themselves; arrays have from 2 to so many. */
const MANY = 300;
const CALL_TIMEOUT_MS = 10_000;
/** Before a client that was cut off tries again, in milliseconds. */
const PAUSE_MS = 100;

/** Nothing met yet. */
export function createTally(): Tally {
  return {
    acknowledgements: [],
    acknowledged: 0,
    sends: 0,
    refused: 0,
    unreachable: 0,
    cut: 0,
    slowest_refusal_ms: 0,
    slowest_ms: 0,
    wrong: [],
  };
}

/** Each purchase twice, in random order: half of them by themselves, at both addresses of the collector, the others as arrays of any size. */
export function toParcels(purchases: readonly Purchase[], chance: Chance): Parcel[] {
  const copies = chance.shuffled([0, 1].flatMap((copy) => purchases.map((purchase) => ({ purchase, copy }))));
  const alone = copies.slice(0, copies.length / 2).map(({ purchase, copy }) => ({
    path: chance.between(0, 1) === 0 ? "/api/collect" : "/api/event",
    body: JSON.stringify(toEvent(purchase, copy)),
    ids: [purchase.event_id],
  }));
  const together: Parcel[] = [];
  for (let from = alone.length, to = from; from < copies.length; from = to) {
    to = from + chance.between(2, MANY);
    const some = copies.slice(from, to);
    const body = JSON.stringify(some.map(({ purchase, copy }) => toEvent(purchase, copy)));
    together.push({ path: "/api/collect", body, ids: some.map(({ purchase }) => purchase.event_id) });
  }
  return chance.shuffled([...alone, ...together]);
}

/** Sends all of them by 16 clients at once. Each sends what it has again until it is acknowledged. */
export async function sendAll(parcels: readonly Parcel[], audience: Audience): Promise<void> {
  const rest = parcels.values();
  const work = async (client: number) => {
    for (const parcel of rest) {
      await audience.pace.turn(parcel.ids.length);
      let turn = client;
      while (!(await send(parcel, client, turn++, audience))) audience.signal.throwIfAborted();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => work(client)));
}

/** Sends once, to the next process. @returns whether it was acknowledged; if not, after the pause that was asked for */
async function send({ path, body, ids }: Parcel, client: number, turn: number, { urls, keys, pace, tally }: Audience): Promise<boolean> {
  const headers = { authorization: `Bearer ${keys[client % keys.length]}`, "content-type": "application/json" };
  const sent_at = Date.now();
  tally.sends += 1;
  try {
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const response = await fetch(`${urls[turn % urls.length]}${path}`, { method: "POST", headers, body, signal });
    const answer: unknown = await response.json();
    const answered_at = Date.now();
    if (response.status === 200 && acknowledges(answer, body.startsWith("["), ids)) {
      tally.slowest_ms = Math.max(tally.slowest_ms, answered_at - sent_at);
      tally.acknowledged += ids.length;
      tally.acknowledgements.push({ ids, sent_at, answered_at });
      pace.passed(tally.acknowledged);
      return true;
    }
    const retry_after = Number(response.headers.get("retry-after") ?? Number.NaN);
    const is_refusal = response.status === 503 && retry_after > 0 && isSuccess(answer) === "false";
    if (is_refusal) {
      tally.refused += 1;
      tally.slowest_refusal_ms = Math.max(tally.slowest_refusal_ms, answered_at - sent_at);
    } else tally.wrong.push(`${response.status} ${JSON.stringify(answer).slice(0, 500)}`);
    await sleep(is_refusal ? retry_after * 1_000 : PAUSE_MS);
  } catch (thrown) {
    if (isRefused(thrown)) tally.unreachable += 1;
    else tally.cut += 1;
    await sleep(PAUSE_MS);
  }
  return false;
}

function isRefused(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "ECONNREFUSED";
}

function acknowledges(answer: unknown, is_array: boolean, ids: readonly string[]): boolean {
  if (isSuccess(answer) !== "true") return false;
  if (!is_array) return true;
  const { results } = answer as { results?: readonly { event_id: unknown }[] };
  return results?.length === ids.length && results.every((result, at) => isSuccess(result) === "true" && result.event_id === ids[at]);
}

function isSuccess(answer: unknown): unknown {
  return typeof answer === "object" && answer !== null && "is_success" in answer ? answer.is_success : undefined;
}
