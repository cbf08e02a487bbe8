import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Program, startProgram, until } from "./process.ts";
import { type Platforms, startPlatforms } from "./sandbox.ts";
import { freePort, startPostgres, startRedis } from "./servers.ts";
import { judge, type Verdict } from "./verdict.ts";

/** How large the proof is, and on what. */
export interface ProofPlan {
  readonly backend: "embedded" | "redis";
  /** Addresses to be blocked; every second one is asked for in Telegram, the others by REST. */
  readonly addresses: readonly string[];
  readonly kills: number;
  /** Told what happens, for the impatient. */
  readonly say: (line: string) => void;
}

/** What the proof has done, for the verdict. */
export interface Evidence {
  readonly platforms: Platforms;
  /** Who asked for which address in their chat. */
  readonly chats: ReadonlyMap<number, readonly string[]>;
  /** Runs that REST acknowledged. */
  readonly acknowledged: ReadonlyMap<string, string>;
  readonly killedAt: readonly number[];
  readonly api: Api;
}

/** Asking Switchboard over REST. */
export type Api = (
  method: "GET" | "POST",
  path: string,
  body?: unknown,
) => Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;

/** Ten people, so that nobody says more than 20 lines in a minute. */
const FIRST_PERSON = 2_001;
const PEOPLE = 10;
const KEY = "the-admin-key-of-the-proof";
const DONE_MS = 600_000;
const LATEST_KILL_MS = 1_500;
/** Three of Cloudflare's calls in ten fail: as a 500, as a 429, and cut after they were carried out. */
const FAULTS = [{ status: 500 }, { status: 429, retry_after: 1 }, { drop: true }];

/** Blocks the addresses while Cloudflare fails and the process is killed, and judges what an outsider sees at the end. */
export async function proveBlocks(plan: ProofPlan): Promise<Verdict> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-proof-"));
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    // PostgreSQL, which does not run as root, must be able to pass through.
    await chmod(folder, 0o711);
    const platforms = await startPlatforms(path.join(folder, "platforms"));
    stops.unshift(() => platforms.program.kill());
    for (const [index, fault] of FAULTS.entries()) {
      // Each is tried after those before it, so its part of the rest is larger.
      await platforms.fault({ target: "cloudflare", times: 1_000_000, ratio: 0.1 / (1 - 0.1 * index), seed: index + 1, ...fault });
    }
    const env = { ...platforms.env, ...(await storageOf(plan, folder, stops)), ...(await settings(folder)) };
    const switchboard = keepAlive(() => startProgram("bin/switchboard.js", { args: ["serve"], env }));
    await switchboard.start();
    stops.unshift(() => switchboard.kill());
    const api = createApi(`http://127.0.0.1:${env.PORT}`);
    const evidence = await ask(plan, { platforms, api, switchboard });
    await until("every asker is answered and every run has ended", () => judge(evidence).then((verdict) => verdict.complete), DONE_MS);
    return await judge(evidence);
  } finally {
    for (const stop of stops) await stop();
  }
}

async function settings(folder: string) {
  const people = Array.from({ length: PEOPLE }, (_, index) => `telegram:${FIRST_PERSON + index}`);
  const PORT = String(await freePort());
  return { DATA_DIR: path.join(folder, "data"), PORT, ADMIN_API_KEY: KEY, OPERATORS: people.join(","), LOG_LEVEL: "error" };
}

async function storageOf({ backend }: ProofPlan, folder: string, stops: (() => Promise<unknown>)[]): Promise<Record<string, string>> {
  if (backend === "embedded") return {};
  const postgres = await startPostgres(path.join(folder, "postgres"));
  stops.unshift(postgres.stop);
  const redis = await startRedis(path.join(folder, "redis"));
  stops.unshift(redis.stop);
  return { DATABASE_URL: postgres.url, REDIS_URL: redis.url, REDIS_REQUIRE_AOF: "1", SECRET_KEY: "0".repeat(64) };
}

interface KeptAlive {
  start(): Promise<void>;
  /** Ends it by SIGKILL. */
  kill(): Promise<void>;
}

function keepAlive(start: () => Promise<Program>): KeptAlive {
  let program: Program | null = null;
  return {
    async start() {
      program = await start();
    },
    async kill() {
      await program?.kill();
    },
  };
}

function createApi(url: string): Api {
  return async (method, to, body) => {
    const headers = { authorization: `Bearer ${KEY}`, ...(body !== undefined && { "content-type": "application/json" }) };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }), signal: AbortSignal.timeout(10_000) };
    const response = await fetch(`${url}${to}`, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
}

interface Scene {
  readonly platforms: Platforms;
  readonly api: Api;
  readonly switchboard: KeptAlive;
}

/** Asks for all addresses at a steady pace, and kills the process at even distances in between. */
async function ask({ addresses, kills, say }: ProofPlan, { platforms, api, switchboard }: Scene): Promise<Evidence> {
  const chats = new Map<number, string[]>();
  const acknowledged = new Map<string, string>();
  const killedAt: number[] = [];
  const posts: Promise<void>[] = [];
  const every = Math.floor(addresses.length / (kills + 1));
  for (const [index, ip] of addresses.entries()) {
    if (index % 2 === 0) {
      const person = FIRST_PERSON + ((index / 2) % PEOPLE);
      chats.set(person, [...(chats.get(person) ?? []), ip]);
      await platforms.say(person, `/block ${ip} --reason "proof"`);
    } else {
      posts.push(post(api, ip, acknowledged));
    }
    if (killedAt.length < kills && (index + 1) % every === 0) {
      // At any point of the work, not only just after an asking.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LATEST_KILL_MS));
      await switchboard.kill();
      killedAt.push(Date.now());
      say(`killed ${killedAt.length} of ${kills} times, ${index + 1} of ${addresses.length} asked for`);
      await switchboard.start();
    }
  }
  await Promise.all(posts);
  return { platforms, chats, acknowledged, killedAt, api };
}

/** Asks until it is acknowledged, as a client does that was cut off or told to come back later. */
async function post(api: Api, ip: string, acknowledged: Map<string, string>): Promise<void> {
  const answer = await until(
    `${ip} is acknowledged`,
    async () => {
      const { status, body } = await api("POST", "/api/v1/commands/cf_block", { ip, reason: "proof" });
      return status === 202 && body;
    },
    DONE_MS,
  );
  acknowledged.set(ip, String(answer["run_id"]));
}
