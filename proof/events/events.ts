import { createApi } from "../api.ts";
import { ALONE } from "../fleet.ts";
import { runProgram } from "../process.ts";
import type { Verdict } from "../verdict.ts";
import { type Backend, PROOF_KEY, type Stage, startStage } from "../world.ts";
import { createChance } from "./chance.ts";
import { createTally, sendAll, type Tally, toParcels } from "./clients.ts";
import { lookInto } from "./database.ts";
import { breakThings, type Faults, type OutageEvidence } from "./faults.ts";
import { type Evidence, judgeEvents } from "./judge.ts";
import { createPace } from "./pace.ts";
import { byCustomer, type Purchase } from "./purchases.ts";

/** How large the proof is, on what, and what breaks. */
export interface EventPlan extends Faults {
  readonly backend: Backend;
  readonly purchases: readonly Purchase[];
  /** Gives the order in which events are sent, and when things break. */
  readonly seed: string;
  /** Told what happens, for the impatient. */
  readonly say: (line: string) => void;
}

/** Events need nobody else. */
const PAIRS: readonly string[] = ["http", "http", "workers", "workers"];
const PROGRESS_MS = 2_000;
const EXPLAINED = 5;
const REQUEST_ID = /"request_id":"([^"]+)"/;

/** Sends each purchase twice while processes and PostgreSQL are killed, and judges what an outsider sees. */
export async function proveEvents(plan: EventPlan): Promise<Verdict> {
  const { backend, purchases, say } = plan;
  say(`${purchases.length} purchases, twice, in the order of seed ${plan.seed}`);
  const stage = await startStage(backend, backend === "scaled" ? PAIRS : ALONE);
  try {
    const key = await makeKey(stage);
    const { urls } = stage.fleet;
    const ingest = createApi(urls, key);
    const database = lookInto(stage);
    const { tally, outage } = await collectAll(plan, { stage, database, ingest, key });
    const is_alone = backend !== "scaled";
    const evidence = await judgeEvents({ purchases, tally, database, api: createApi(urls), ingest, urls, is_alone, say });
    for (const line of explain(tally, stage)) say(line);
    return verdictOf(plan, tally, { evidence, outage });
  } finally {
    await stage.end();
  }
}

/** Makes a key as an operator of Switchboard does. */
async function makeKey({ env }: Stage): Promise<string> {
  const args = ["keys", "create", "--name", "collector", "--role", "ingest"];
  return (await runProgram("bin/switchboard.js", { env, args })).trim();
}

interface Scenery {
  readonly stage: Stage;
  readonly database: ReturnType<typeof lookInto>;
  readonly ingest: ReturnType<typeof createApi>;
  readonly key: string;
}

/** Sends all and breaks things meanwhile. Ends when everything is acknowledged. */
async function collectAll({ purchases, seed, kills, outage_s, say }: EventPlan, { stage, database, ingest, key }: Scenery) {
  const chance = createChance(seed);
  const parcels = toParcels(purchases, chance);
  const [tally, pace, stopping] = [createTally(), createPace(), new AbortController()];
  const events = 2 * purchases.length;
  const scene = { ...stage, pace, tally, chance, database, api: ingest, events, say };
  const tell = () =>
    say(
      `${tally.acknowledged} of ${events} acknowledged; ${tally.refused} times 503, ${tally.unreachable} times nobody there, ${tally.cut} answers cut`,
    );
  const progress = setInterval(tell, PROGRESS_MS);
  try {
    const audience = { urls: stage.fleet.urls, keys: [key, PROOF_KEY], pace, tally, signal: stopping.signal };
    const [outage] = await Promise.all([breakThings({ kills, outage_s }, scene), sendAll(parcels, audience)]);
    tell();
    return { tally, outage };
  } finally {
    clearInterval(progress);
    stopping.abort();
  }
}

/** The first answers that no client expects, and what Switchboard logged about them. */
function explain({ wrong }: Tally, { fleet }: Stage): string[] {
  const lines = fleet.output().split("\n");
  return wrong.slice(0, EXPLAINED).flatMap((answer) => {
    const id = REQUEST_ID.exec(answer)?.[1];
    return [`an answer that no client expects: ${answer}`, ...lines.filter((line) => id !== undefined && line.includes(id))];
  });
}

interface Seen {
  readonly evidence: Evidence;
  readonly outage: OutageEvidence | null;
}

function verdictOf({ purchases, kills, outage_s }: EventPlan, tally: Tally, { evidence, outage }: Seen): Verdict {
  const { acknowledged, sends, refused, unreachable, cut, slowest_ms, slowest_refusal_ms } = tally;
  const customers = byCustomer(purchases).size;
  const agrees = [evidence.customers, evidence.sums_agree, evidence.lists_agree].every((count) => count === customers);
  const is_whole = evidence.rows === purchases.length && evidence.failed_events + evidence.lost === 0 && agrees;
  const is_known = evidence.receipts_stored === evidence.receipts && evidence.metrics_agree;
  const is_accepted = acknowledged === 2 * purchases.length && tally.wrong.length === 0;
  const is_bridged = outage_s === 0 || (outage !== null && bridges(outage));
  return {
    purchases: purchases.length,
    ...{ acknowledged, sends, refused_503: refused, unreachable, cut, wrong_answers: tally.wrong.length, slowest_ms, slowest_refusal_ms },
    ...{ kills, outage_s },
    ...outage,
    ...evidence,
    holds: is_whole && is_known && is_accepted && is_bridged,
  };
}

/** Whether events went on being taken while PostgreSQL was away, and none of them was lost. */
function bridges({ new_in_outage, outage_receipts_untrue, outage_unwritten }: OutageEvidence): boolean {
  return new_in_outage > 0 && outage_receipts_untrue + outage_unwritten === 0;
}
