import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../api.ts";
import { until } from "../process.ts";
import type { Stage } from "../world.ts";
import type { Chance } from "./chance.ts";
import type { Tally } from "./clients.ts";
import type { Database } from "./database.ts";
import type { Pace } from "./pace.ts";

/** When things break. */
export interface Faults {
  /** Half of them before the outage, half after it. */
  readonly kills: number;
  /** How long PostgreSQL is away; 0: not at all. */
  readonly outage_s: number;
}

/** Where they break. */
export interface Scene extends Stage {
  readonly pace: Pace;
  readonly tally: Tally;
  readonly chance: Chance;
  readonly database: Database;
  /** With the key of role `ingest`. */
  readonly api: Api;
  /** Events that are sent, each copy for itself. */
  readonly events: number;
  readonly say: (line: string) => void;
}

/** What was seen while PostgreSQL was away, and after it. */
export interface OutageEvidence {
  /** Events that were sent and acknowledged while PostgreSQL was away, and those of them that had not been before. */
  readonly acknowledged_in_outage: number;
  readonly new_in_outage: number;
  /** Receipts that were asked for meanwhile: `queued`, or nobody can say (503); anything else is untrue. */
  readonly outage_receipts_queued: number;
  readonly outage_receipts_503: number;
  readonly outage_receipts_untrue: number;
  /** Of those that were acknowledged meanwhile, not in the table a minute after PostgreSQL was back. */
  readonly outage_unwritten: number;
  readonly outage_written_after_ms: number;
}

/** Where in the flow, as parts of all events: the first kills before the outage, the others after it. */
const FIRST = [0.05, 0.3] as const;
const OUTAGE_AT = 0.35;
const OUTAGE_PART = 0.3;
const LAST = [0.75, 0.97] as const;
/** A kill comes so long after an answer at most, in milliseconds: requests are under way then. */
const LATEST_MS = 30;
/** While a process is started again the others take events at this part of all a second, or the flow would be over before the next kill. */
const SLOW = 1 / 60;
const WRITTEN_MS = 60_000;
const LOOK_MS = 100;

/** Breaks everything as planned, while the clients go on. */
export async function breakThings({ kills, outage_s }: Faults, scene: Scene): Promise<OutageEvidence | null> {
  const first = Math.ceil(kills / 2);
  await killProcesses(first, FIRST, scene);
  const evidence = outage_s > 0 ? await cutOff(outage_s, scene) : null;
  await killProcesses(kills - first, LAST, scene);
  return evidence;
}

/** SIGKILL, each at a random moment of its own part of the flow; started again at once. */
async function killProcesses(kills: number, [from, to]: readonly [number, number], scene: Scene): Promise<void> {
  const { pace, events, chance, fleet, tally, say } = scene;
  const part = ((to - from) * events) / Math.max(1, kills);
  for (let kill = 0; kill < kills; kill++) {
    const begins = from * events + kill * part;
    await pace.reached(chance.between(Math.ceil(begins), Math.floor(begins + part / 2)));
    await sleep(chance.between(0, LATEST_MS));
    const roles = await fleet.killOne();
    say(`killed ${roles} with ${tally.acknowledged} of ${events} acknowledged`);
    pace.set(SLOW * events);
    await fleet.mend();
    pace.set(null);
    say("it is back");
  }
}

/** Kills PostgreSQL, and starts it again after a while. */
async function cutOff(seconds: number, scene: Scene): Promise<OutageEvidence> {
  const { pace, events, servers, tally, say } = scene;
  if (!servers) throw new Error("an embedded database has no outage of its own");
  await pace.reached(OUTAGE_AT * events);
  pace.set((OUTAGE_PART * events) / seconds);
  await servers.postgres.kill();
  const down_at = Date.now();
  say(`PostgreSQL is killed with ${tally.acknowledged} of ${events} acknowledged, for ${seconds} s`);
  const before = new Set(tally.acknowledgements.flatMap(({ ids }) => ids));
  const receipts = await askMeanwhile(down_at, down_at + seconds * 1_000, scene);
  const up_at = Date.now();
  const here = tally.acknowledgements.filter(({ sent_at, answered_at }) => sent_at >= down_at && answered_at <= up_at);
  const ids = here.flatMap((acknowledgement) => acknowledgement.ids);
  await servers.postgres.start();
  say(`PostgreSQL is back; ${ids.length} events were acknowledged while it was away`);
  const back_at = Date.now();
  const unwritten = await unwrittenOf(ids, scene.database);
  say(`all but ${unwritten} of them are in the table`);
  pace.set(null);
  return {
    acknowledged_in_outage: ids.length,
    new_in_outage: new Set(ids.filter((event_id) => !before.has(event_id))).size,
    ...receipts,
    outage_unwritten: unwritten,
    outage_written_after_ms: Date.now() - back_at,
  };
}

/** Asks for receipts of what is acknowledged while PostgreSQL is away. */
async function askMeanwhile(down_at: number, up_at: number, { tally, api, chance, say }: Scene) {
  const seen = { outage_receipts_queued: 0, outage_receipts_503: 0, outage_receipts_untrue: 0 };
  const wait = () => sleep(Math.min(LOOK_MS, Math.max(0, up_at - Date.now())));
  for (; Date.now() < up_at; await wait()) {
    const ids = tally.acknowledgements.filter(({ sent_at }) => sent_at >= down_at).flatMap((acknowledgement) => acknowledgement.ids);
    if (ids.length === 0) continue;
    const { status, body } = await api("GET", `/api/v1/events/${ids[chance.between(0, ids.length - 1)]}`);
    if (status === 503) seen.outage_receipts_503 += 1;
    else if (status === 200 && body["status"] === "queued") seen.outage_receipts_queued += 1;
    else {
      seen.outage_receipts_untrue += 1;
      say(`a receipt while PostgreSQL is away: ${status} ${JSON.stringify(body)}`);
    }
  }
  return seen;
}

/** Waits until they are in the table. @returns how many never came */
async function unwrittenOf(event_ids: readonly string[], database: Database): Promise<number> {
  const ids = [...new Set(event_ids)];
  const missing = async () => ids.length - (await database.stored(ids)).size;
  await until("what was acknowledged in the outage is written", async () => (await missing()) === 0, WRITTEN_MS, LOOK_MS).catch(() => null);
  return missing();
}
