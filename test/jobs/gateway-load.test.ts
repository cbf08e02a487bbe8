import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createTelegramApi, createTelegramChannel } from "../../bots/telegram/outbound.ts";
import { createPostgresEphemeral } from "../../clients/postgres/ephemeral.ts";
import type { Connection } from "../../clients/postgres/pool.ts";
import type { DeliveryLane } from "../../core/run.ts";
import type { Job } from "../../core/stores.ts";
import { createGateway } from "../../jobs/outbound/gateway.ts";
import { useSandbox, type World } from "../sandbox/fixture.ts";
import { NO_CHARTS } from "../support/charts.ts";
import { usePostgres } from "../support/postgres.ts";
import { aDelivery } from "../support/rows.ts";
import { openProcess, SILENT } from "../support/stores.ts";

const postgres = usePostgres();
const start = useSandbox();
const WAIT = { timeout: 100_000, interval: 100 };
/** Telegram's limits, but that a minute of a group is five seconds, so that the test ends. */
const LIMITS = {
  global: { limit: 30, window_ms: 1_000 },
  chat: { limit: 1, window_ms: 1_000 },
  group: { limit: 4, window_ms: 5_000 },
};
/** We hold them a little longer than the other tests' processes may hold us up. Alone on a machine `GATEWAY_SLACK_MS=0` holds as well. */
const SLACK_MS = Number(process.env["GATEWAY_SLACK_MS"] ?? 250);
const OURS = {
  global: { ...LIMITS.global, window_ms: LIMITS.global.window_ms + SLACK_MS },
  chat: { ...LIMITS.chat, window_ms: LIMITS.chat.window_ms + SLACK_MS },
  group: { ...LIMITS.group, window_ms: LIMITS.group.window_ms + SLACK_MS },
};
const GROUPS = Array.from({ length: 5 }, (_, index) => -101 - index);
const CHATS = [...Array.from({ length: 45 }, (_, index) => 1_001 + index), ...GROUPS];
const ROUNDS = 6;

/** A worker of its own: a session, a gateway, and Telegram's real way out. */
async function openWorker(database: Connection, { sandbox }: World) {
  const here = await openProcess(database);
  const api = createTelegramApi({ token: sandbox.telegram.token, api_root: sandbox.url });
  const channels = new Map([["telegram", createTelegramChannel({ api, limits: OURS, charts: NO_CHARTS, log: SILENT })]]);
  const ephemeral = createPostgresEphemeral({ pool: here.pool, log: SILENT });
  const timers = new Set<NodeJS.Timeout>();
  const enqueueDeliveries = async (jobs: readonly Job[]) => {
    for (const { id, delay_ms } of jobs) timers.add(setTimeout(() => void gateway.admit(id), delay_ms));
  };
  const texts = { say: (text: object) => ("raw" in text ? String(text.raw) : "?"), has: () => true };
  const meter = { count: () => undefined };
  const gateway = createGateway({ deliveries: here.deliveries, channels, ephemeral, texts, enqueueDeliveries, meter, log: SILENT });
  onTestFinished(async () => {
    for (const timer of timers) clearTimeout(timer);
    await gateway.stop();
    await ephemeral.close();
  });
  return { ...here, gateway, enqueueDeliveries };
}

type Worker = Awaited<ReturnType<typeof openWorker>>;

interface Call {
  readonly method: string;
  readonly at: string;
  readonly chat_id: number;
  readonly text?: string;
  readonly breach?: boolean;
}

async function callsOf(world: World): Promise<readonly Call[]> {
  const { body } = await world.person("GET", "/calls?emulator=telegram&limit=10000");
  return (body["calls"] as unknown as Call[]).filter(({ method }) => method === "sendMessage" || method === "editMessageText");
}

/** Stores everything, one message for each chat in each round, and lets the workers know of them by turns. */
async function sayAll(workers: readonly Worker[]): Promise<void> {
  for (let round = 0; round < ROUNDS; round++)
    for (const chat of CHATS) {
      const worker = workers[(round + Math.abs(chat)) % workers.length];
      const more = { ...to(chat), caused_by: `p${chat % 7}`, lane: laneOf(round) };
      await worker?.deliveries.insert(aDelivery(`${chat}.${round}`, more));
      void worker?.gateway.admit(`${chat}.${round}`);
    }
}

const to = (chat: number) => ({ reply_to: { platform: "telegram", address: String(chat) } });
const laneOf = (round: number): DeliveryLane => (round % 3 === 2 ? "bulk" : "interactive");

/** The rounds of a chat's messages, in the order in which Telegram got them. */
function roundsOf(calls: readonly Call[], chat: number): number[] {
  const said = calls.filter(({ chat_id, method }) => chat_id === chat && method === "sendMessage");
  return said.map(({ text = "" }) => Number(/\.(\d)/.exec(text)?.[1]));
}

describe("two workers with one token and fifty chats", () => {
  it("break no limit of Telegram's, lose nothing and keep each chat's order, edits among them", { timeout: 120_000 }, async () => {
    const world = await start({ telegram_limits: LIMITS });
    for (const chat of CHATS) await world.says("/start", { id: Math.abs(chat), username: `user${Math.abs(chat)}` }, chat);
    const database = await postgres.database();
    const here = await openWorker(database, world);
    const open = async () => (await here.rows("SELECT 1 FROM deliveries WHERE status IN ('scheduled', 'sending')")).length;
    const began = Date.now();
    await sayAll([here, await openWorker(database, world)]);
    await vi.waitFor(async () => expect(await open()).toBeLessThan(150), WAIT);
    // Edits, of what stands by now.
    for (const chat of CHATS.slice(0, 20)) {
      const turn = { kind: "page", page: 2, delivery_id: `${chat}.0`, ...to(chat).reply_to } as const;
      await here.enqueueDeliveries(await here.deliveries.turnPage(turn));
    }
    await vi.waitFor(async () => expect(await open()).toBe(0), WAIT);
    const seconds = (Date.now() - began) / 1_000;
    const calls = await callsOf(world);
    process.stdout.write(
      `two workers sent ${calls.length} messages in ${seconds.toFixed(1)} s: ${(calls.length / seconds).toFixed(1)}/s of 30/s\n`,
    );
    expect(calls.filter(({ breach }) => breach)).toEqual([]);
    expect(await here.rows("SELECT delivery_id FROM deliveries WHERE status <> 'sent'")).toEqual([]);
    for (const chat of CHATS) {
      const rounds = roundsOf(calls, chat);
      expect(rounds.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
      for (const lane of ["interactive", "bulk"]) {
        const ofLane = rounds.filter((round) => laneOf(round) === lane);
        expect(ofLane).toEqual(ofLane.toSorted());
      }
    }
  });
});
