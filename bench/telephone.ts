import { Agent, request } from "node:http";
import type { StandIns } from "./stand-ins.ts";

/** People who write to the bot, and hear what it answers. */
export interface Telephone {
  /** Blocks the next address, and waits for the answer. @returns how long it took from the update to the answer's call, in milliseconds */
  block(): Promise<number>;
  /** Blocks so many addresses, so many at once. @returns how many a second */
  blockMany(count: number, at_once: number): Promise<number>;
}

const FIRST_PERSON = 2_001;
/** Chats that take turns: each keeps its own order. */
const PEOPLE = 64;
/** An answer that has not come by then never will. */
const PATIENCE_MS = 60_000;
/** Where the addresses begin: a test network (RFC 2544) of 131,072. */
const NETWORK = 0xc6120000;

/** Opens a telephone to whoever takes updates at `url`. */
export function createTelephone(standIns: StandIns, url: string, secret: string | undefined): Telephone {
  const waiting = new Map<string, () => void>();
  standIns.onSaid((text) => {
    const ip = /(\d+\.\d+\.\d+\.\d+) is blocked/.exec(text)?.[1];
    const heard = ip === undefined ? undefined : waiting.get(ip);
    if (!heard || ip === undefined) return;
    waiting.delete(ip);
    heard();
  });
  let asked = 0;
  const headers = { "content-type": "application/json", ...(secret !== undefined && { "x-telegram-bot-api-secret-token": secret }) };

  const block = async (): Promise<number> => {
    const number = asked++;
    const ip = addressAt(number);
    const body = JSON.stringify(updateOf(number, ip));
    const began = performance.now();
    const answered = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer about ${ip} in ${PATIENCE_MS} ms`)), PATIENCE_MS);
      waiting.set(ip, () => {
        clearTimeout(timer);
        resolve(performance.now() - began);
      });
    });
    await post(url, headers, body);
    return answered;
  };
  return {
    block,
    async blockMany(count, at_once) {
      const began = performance.now();
      let left = count;
      const lane = async () => {
        while (left-- > 0) await block();
      };
      await Promise.all(Array.from({ length: at_once }, lane));
      return count / ((performance.now() - began) / 1_000);
    },
  };
}

/** Kept open, as Telegram keeps its connections; and lighter than `fetch`, so that the machine is the server's. */
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent, headers: { ...headers, "content-length": Buffer.byteLength(body) } }, (response) => {
      response.resume();
      response.once("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`an update was answered ${response.statusCode}`)),
      );
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

function addressAt(number: number): string {
  const bits = NETWORK + number;
  return [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join(".");
}

function updateOf(number: number, ip: string) {
  const id = FIRST_PERSON + (number % PEOPLE);
  const from = { id, is_bot: false, first_name: "Person", language_code: "en" };
  const text = `/cf_block ${ip} --reason bench`;
  const entities = [{ type: "bot_command", offset: 0, length: 9 }];
  const chat = { id, type: "private", first_name: "Person" };
  return {
    update_id: 1_000 + number,
    message: { message_id: number + 1, from, chat, date: Math.floor(Date.now() / 1_000), text, entities },
  };
}

/** The people as a setting. */
export const OPERATORS = Array.from({ length: PEOPLE }, (_, at) => `telegram:${FIRST_PERSON + at}`).join(",");
