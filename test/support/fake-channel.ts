import { OpsError } from "../../core/errors.ts";
import type { Budget, Channel, OutgoingMessage } from "../../core/ports.ts";

/** One call as the platform saw it. */
export interface ChannelCall {
  readonly at: number;
  readonly address: string;
  readonly message_id: string | null;
  readonly title: string;
}

/** A platform that takes every message but those it is told to refuse, and enforces its limits. */
export interface FakeChannel extends Channel {
  readonly calls: ChannelCall[];
  /** What it was asked to send, refused or not. */
  readonly sent: OutgoingMessage[];
  /** A chat has another address from now on, which is found out by sending to the old one. */
  moves(from: string, to: string): void;
  /** Calls that came too early, or while another of the same chat was under way. */
  readonly breaches: string[];
  /** What the next calls are answered; `undefined` takes one. */
  script(...answers: readonly (Error | undefined)[]): void;
  /** Holds every call from now on until the returned function is called. */
  hold(): () => void;
  /** Calls that have begun and not ended. */
  underWay(): number;
}

/** What a call is counted against: at most so many in any window. */
interface Limit {
  readonly calls: number;
  readonly window_ms: number;
}

const WIDE: Limit = { calls: 1_000, window_ms: 1 };
/** What is granted in time may arrive late: the sender's windows are so much longer than the platform's. */
const LATENESS_MS = 500;

/**
 * Makes a platform called `telegram` whose messages are numbered from 1.
 * @param limits of all chats together, and of each
 */
export function createFakeChannel(limits: { readonly all?: Limit; readonly chat?: Limit } = {}): FakeChannel {
  const { all = WIDE, chat = WIDE } = limits;
  const calls: ChannelCall[] = [];
  const breaches: string[] = [];
  const busy = new Set<string>();
  let answers: (Error | undefined)[] = [];
  let gate: Promise<void> | undefined;
  let number = 0;
  const count = (call: ChannelCall) => {
    const within = (window_ms: number) => calls.filter(({ at }) => call.at - at < window_ms);
    if (within(all.window_ms).length >= all.calls) breaches.push(`all: ${call.title}`);
    if (within(chat.window_ms).filter(({ address }) => address === call.address).length >= chat.calls) breaches.push(`chat: ${call.title}`);
    if (busy.has(call.address)) breaches.push(`at once: ${call.title}`);
    calls.push(call);
  };
  const sent: OutgoingMessage[] = [];
  const moved = new Map<string, string>();
  const send = async (message: OutgoingMessage) => {
    const { address, message_id, reply } = message;
    sent.push(message);
    count({ at: Date.now(), address, message_id, title: reply.title });
    busy.add(address);
    await gate;
    busy.delete(address);
    const answer = answers.shift();
    if (answer) throw answer;
    const moved_to = moved.get(address);
    return { message_id: message_id ?? String(++number), ...(moved_to !== undefined && { moved_to }) };
  };
  const budget = (key: string, { calls: limit, window_ms }: Limit): Budget => ({ key, limit, window_ms: window_ms + LATENESS_MS });
  return {
    platform: "telegram",
    calls,
    sent,
    moves: (from, to) => void moved.set(from, to),
    breaches,
    budgets: (address) => [budget("all", all), ...(limits.chat ? [budget(address, chat)] : [])],
    send,
    script: (...next) => {
      answers = [...next];
    },
    hold() {
      let open = () => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return () => {
        gate = undefined;
        open();
      };
    },
    underWay: () => busy.size,
  };
}

/** A platform's refusals. */
export const refusal = {
  forGood: () => new OpsError("upstream_refused", "the person has blocked the bot"),
  forNow: () => new OpsError("upstream_unavailable", "the platform is away"),
  slowDown: (retry_after_ms: number) => new OpsError("rate_limited", "too fast", { retry_after_ms }),
};
