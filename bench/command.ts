import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Program, startProgram } from "../proof/process.ts";
import { freePort, startServers } from "../proof/servers.ts";
import { quantile, residentMb, round } from "./numbers.ts";
import { type StandIns, startStandIns } from "./stand-ins.ts";
import { createTelephone, OPERATORS, type Telephone } from "./telephone.ts";

const WARM_UP = 300;
const SINGLE = 500;
const AT_ONCE = 32;
const MANY = 4_000;
/** Over so many commands memory is to stay flat. */
const LONG = 20_000;
/** What is resident is read after each so many, and the first quarter of the readings is compared with the last. */
const STEP = 500;
const QUARTER = 8;
/** Pacing is not what is measured. */
const LIMITS = {
  TELEGRAM_LIMITS: "1000000/s,1000000/s/chat,1000000/s/group",
  CLOUDFLARE_BUDGET: "9000000/300s",
  PERSON_LIMITS: "1000000/min,100000/open",
};

/** What one storage is measured at. */
type Measured = Readonly<Record<string, number>>;

/**
 * One command from the update that Telegram posts to the call that answers it, through the webhook: beside the same HTTP round trips with no work between
 * them, in the same run. Then so many a second with 32 in flight, and what the process holds after 20,000.
 */
export async function benchCommand(only: readonly string[]): Promise<object> {
  const standIns = await startStandIns();
  try {
    const limit = await measurePlain(standIns);
    say(`the limit: p50 ${limit.p50_ms} ms, ${limit.per_second} a second`);
    const redis = only.includes("embedded") ? null : await measure(standIns, "redis");
    const embedded = only.includes("redis") ? null : await measure(standIns, "embedded");
    const main = redis ?? embedded ?? {};
    const above = (of: Measured | null) => (of ? { p50_above_limit_ms: round((of["p50_ms"] ?? 0) - limit.p50_ms) } : {});
    return {
      bench: "command",
      ours: main["p50_ms"],
      limit: limit.p50_ms,
      ratio: round((main["p50_ms"] ?? 0) / limit.p50_ms, 2),
      unit: "ms, p50 from the update to the answer's call, one at a time",
      limit_per_second: limit.per_second,
      ...(redis && { redis: { ...redis, ...above(redis) } }),
      ...(embedded && { embedded: { ...embedded, ...above(embedded) } }),
    };
  } finally {
    standIns.close();
  }
}

async function measurePlain(standIns: StandIns): Promise<{ p50_ms: number; per_second: number }> {
  const program = await startProgram("bench/main.js", { args: ["plain", standIns.url], env: {} });
  try {
    const telephone = createTelephone(standIns, program.url, undefined);
    await telephone.blockMany(WARM_UP, AT_ONCE);
    const times = await oneByOne(telephone, SINGLE);
    return { p50_ms: round(quantile(times, 0.5), 2), per_second: Math.round(await telephone.blockMany(MANY, AT_ONCE)) };
  } finally {
    await program.kill();
  }
}

async function oneByOne(telephone: Telephone, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) times.push(await telephone.block());
  return times;
}

async function measure(standIns: StandIns, backend: "redis" | "embedded"): Promise<Measured> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-bench-"));
  // An embedded database whose Switchboard was killed takes a moment to end, and writes meanwhile.
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })];
  try {
    // PostgreSQL, which does not run as root, must be able to pass through.
    await chmod(folder, 0o711);
    const storage = backend === "redis" ? (await startServers(folder, stops)).env : {};
    const port = String(await freePort());
    const platforms = {
      ...{ TELEGRAM_BOT_TOKEN: standIns.token, TELEGRAM_API_ROOT: standIns.url, PUBLIC_URL: `http://127.0.0.1:${port}` },
      ...{ CLOUDFLARE_API_TOKEN: "bench-token", CLOUDFLARE_ZONE_ID: "0".repeat(32), CLOUDFLARE_BASE_URL: `${standIns.url}/client/v4` },
    };
    const own = { DATA_DIR: path.join(folder, "data"), PORT: port, OPERATORS, LOG_LEVEL: "warn", SANDBOX: "0" };
    const program = await startProgram("bin/switchboard.js", { args: ["serve"], env: { ...platforms, ...storage, ...own, ...LIMITS } });
    stops.unshift(() => program.kill());
    return await drive(standIns, program, port);
  } finally {
    for (const stop of stops) await stop();
  }
}

/** For the impatient: standard output has the result alone. */
function say(line: string): void {
  console.error(line);
}

async function drive(standIns: StandIns, program: Program, port: string): Promise<Measured> {
  const secret = await secretOf(standIns);
  const telephone = createTelephone(standIns, `http://127.0.0.1:${port}/webhooks/telegram`, secret);
  await telephone.blockMany(WARM_UP, AT_ONCE);
  say("warm; now one at a time");
  const times = await oneByOne(telephone, SINGLE);
  say(`p50 ${round(quantile(times, 0.5), 2)} ms; now ${AT_ONCE} at once`);
  const per_second = await telephone.blockMany(MANY, AT_ONCE);
  say(`${Math.round(per_second)} a second; now on to ${LONG} commands`);
  const resident: number[] = [];
  for (let done = MANY; done < LONG; done += STEP) {
    await telephone.blockMany(STEP, AT_ONCE);
    resident.push(await residentMb(program.pid));
  }
  say(`resident after each ${STEP}: ${resident.join(" ")} MB`);
  const times_ms = { p50_ms: round(quantile(times, 0.5), 2), p95_ms: round(quantile(times, 0.95), 2) };
  // What is resident goes up and down with the garbage by some 50 MB: a single reading says little.
  const [early, late] = [resident.slice(0, QUARTER), resident.slice(-QUARTER)].map((some) => round(quantile(some, 0.5), 0));
  return { ...times_ms, per_second: Math.round(per_second), rss_mb_early: early ?? 0, rss_mb_late: late ?? 0 };
}

/** Switchboard sets its webhook right after it has started to listen. */
async function secretOf(standIns: StandIns): Promise<string> {
  for (;;) {
    const secret = standIns.secret();
    if (secret !== undefined) return secret;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
