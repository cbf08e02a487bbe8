import { type Api, accepted, createApi } from "./api.ts";
import { until } from "./process.ts";
import { answered, judge, missing, type PhaseEvidence, type Verdict, verdictOf } from "./verdict.ts";
import { type Backend, type ProofWorld, startProofWorld } from "./world.ts";

/** How large the proof is, and on what. */
export interface ProofPlan {
  readonly backend: Backend;
  /** Addresses to be blocked, and released again. */
  readonly addresses: readonly string[];
  /** How many of them are asked for in Telegram; the others by the infra service's REST. */
  readonly in_telegram: number;
  readonly kills: number;
  /** Told what happens, for the impatient. */
  readonly say: (line: string) => void;
}

/** Who asks in Telegram, each in a chat of their own. */
const FIRST_PERSON = 2_001;
const PEOPLE = 10;
const DONE_MS = 900_000;
/** Looking at everything takes a while itself. */
const LOOK_MS = 500;
/** Nothing is worked on for so long: what is not answered by then will not be. */
const SILENCE_MS = 15_000;
const LATEST_KILL_MS = 1_500;
/** Requests under way at once, as many clients have together. */
const IN_FLIGHT = 32;
/**
 * Three of Cloudflare's calls in ten fail: as a 500, cut after they were carried out, and as a 429, of which there are fewer because each
 * holds up everything: it is the account that is refused.
 */
const FAULTS = [
  { part: 0.14, status: 500 },
  { part: 0.15, drop: true },
  { part: 0.01, status: 429, retry_after: 1 },
];
/** The contract's budgets, a hundredfold: what is proven here is that nothing is lost, and other tests hold the budgets. */
const LIMITS = {
  PERSON_LIMITS: "2000/min,5000/open",
  TELEGRAM_LIMITS: "3000/s,100/s/chat,2000/min/group",
  CLOUDFLARE_BUDGET: "120000/300s",
};

/** Blocks the addresses and releases them again while Cloudflare fails and processes are killed, and judges what an outsider sees. */
export async function proveBlocks(plan: ProofPlan): Promise<Verdict> {
  const people = Array.from({ length: PEOPLE }, (_, index) => `telegram:${FIRST_PERSON + index}`);
  const world = await startProofWorld(plan.backend, { ...LIMITS, OPERATORS: people.join(",") });
  try {
    for (let person = 0; person < PEOPLE; person++) await world.platforms.say(FIRST_PERSON + person, "/start");
    await breakCloudflare(world.platforms);
    const phases: PhaseEvidence[] = [];
    for (const [index, verb] of (["block", "release"] as const).entries()) {
      const kills = Math.ceil((plan.kills - index) / 2);
      phases.push(await carryOut({ ...plan, kills }, world, verb));
    }
    return await verdictOf(world.platforms, phases, plan.kills);
  } finally {
    await world.end();
  }
}

async function breakCloudflare(platforms: ProofWorld["platforms"]): Promise<void> {
  let rest = 1;
  for (const [index, { part, ...fault }] of FAULTS.entries()) {
    // Each is tried after those before it, so its part of the rest is larger.
    await platforms.fault({ target: "cloudflare", times: 10_000_000, ratio: part / rest, seed: index + 1, ...fault });
    rest -= part;
  }
}

/** One half of the work: asks for every address, kills meanwhile, waits until all is answered, or nothing more comes. */
async function carryOut(plan: ProofPlan, world: ProofWorld, verb: "block" | "release"): Promise<PhaseEvidence> {
  const api = createApi(world.fleet.urls);
  const scene = { ...world, api, verb };
  const asked = await ask(plan, scene);
  plan.say(`${verb}: all asked for`);
  let idle_since = Number.POSITIVE_INFINITY;
  const isOver = async () => {
    if ((await answered(asked, world.platforms)).size === plan.addresses.length) return true;
    idle_since = (await openRuns(api)) > 0 ? Number.POSITIVE_INFINITY : Math.min(idle_since, Date.now());
    return Date.now() - idle_since > SILENCE_MS;
  };
  await until(`every asker of a ${verb} is answered`, isOver, DONE_MS, LOOK_MS);
  for (const line of await missing(asked, world.platforms)) plan.say(`${verb}: ${line}`);
  return until("it is judged", () => judge(asked, scene), DONE_MS, LOOK_MS);
}

/** Runs that have not ended, whoever asked for them. */
async function openRuns(api: Api): Promise<number> {
  const pages = await Promise.all(["accepted", "running"].map((status) => api("GET", `/api/v1/runs?status=${status}&limit=200`)));
  return pages.reduce((sum, { body }) => sum + (body["runs"] as unknown[]).length, 0);
}

/** What was asked for. */
export interface Asked {
  readonly verb: "block" | "release";
  /** The addresses by the chat in which their answer is to come. */
  readonly chats: ReadonlyMap<number, readonly string[]>;
  /** Of those asked for by REST, the run that was acknowledged. */
  readonly acknowledged: ReadonlyMap<string, string>;
  readonly killed_at: readonly number[];
}

/** Where it happens. */
export interface Scene extends ProofWorld {
  readonly api: Api;
  readonly verb: "block" | "release";
}

/** Asks at a steady pace, and kills processes at even distances in between. */
async function ask({ addresses, in_telegram, kills, say }: ProofPlan, { platforms, fleet, api, verb }: Scene): Promise<Asked> {
  const chats = new Map<number, string[]>();
  const acknowledged = new Map<string, string>();
  const killed_at: number[] = [];
  const every = Math.max(1, Math.floor(addresses.length / (kills + 1)));
  const inTelegram = Math.max(1, Math.floor(addresses.length / Math.max(1, in_telegram)));
  const posts = new Set<Promise<void>>();
  let lines = 0;
  for (const [index, ip] of addresses.entries()) {
    // Shifted in each round, so that those who ask in Telegram are all of them.
    const person = FIRST_PERSON + ((index + Math.floor(index / PEOPLE)) % PEOPLE);
    chats.set(person, [...(chats.get(person) ?? []), ip]);
    if (index % inTelegram === 0 && lines < in_telegram) {
      lines += 1;
      await platforms.say(person, `/${verb} ${ip}`);
    } else {
      while (posts.size >= IN_FLIGHT) await Promise.race(posts);
      const request = { body: { ip, chat_id: String(person) }, idempotency_key: `${verb}-${ip}` };
      const post = accepted(api, `/api/v1/cf/${verb}`, request, DONE_MS).then((run_id) => void acknowledged.set(ip, run_id));
      posts.add(post);
      void post.finally(() => posts.delete(post));
    }
    if (killed_at.length < kills && (index + 1) % every === 0) {
      // At any point of the work, not only just after an asking.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LATEST_KILL_MS));
      const roles = await fleet.killOne();
      killed_at.push(Date.now());
      say(`${verb}: killed ${roles}, ${killed_at.length} of ${kills}; ${index + 1} of ${addresses.length} asked for`);
      await fleet.mend();
    }
  }
  await Promise.all(posts);
  return { verb, chats, acknowledged, killed_at };
}
