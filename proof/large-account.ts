import { readFile } from "node:fs/promises";
import { createApi, outputOf } from "./api.ts";
import type { Platforms } from "./sandbox.ts";
import type { Verdict } from "./verdict.ts";
import { startProofWorld } from "./world.ts";

const RULES = 10_000;
/** What the contract gives an account: calls in five minutes. */
const BUDGET = 1_200;
/** As much as a process may hold resident, in MB. */
const LIMIT_MB = 250;
const PATIENCE_MS = 60_000;
/** Looked up in one command. */
const MANY = 100;

/** An account with so many rules made by hand: listing, searching and reconciling stay within the default budget and the memory they may take. */
export async function proveLargeAccount(rules = RULES): Promise<Verdict> {
  const world = await startProofWorld("embedded", {});
  try {
    await makeByHand(world.platforms, rules);
    const api = createApi(world.fleet.urls);
    const calls = await counter(world.platforms);
    const list = await outputOf(api, "cf_list", { kind: "foreign" }, PATIENCE_MS);
    const calls_list = await calls();
    const csv = await outputOf(api, "cf_list", { kind: "foreign", csv: true }, PATIENCE_MS);
    const calls_csv = await calls();
    const one = await outputOf(api, "cf_search", { ip: addressOf(77) }, PATIENCE_MS);
    const calls_search = await calls();
    const ip = Array.from({ length: MANY }, (_, at) => addressOf(Math.floor((at * rules) / MANY)));
    const many = await outputOf(api, "cf_search", { ip }, PATIENCE_MS);
    const calls_search_100 = await calls();
    const blocked = await outputOf(api, "cf_block", { ip: [addressOf(5), "192.0.2.1"] }, PATIENCE_MS);
    const all = await world.platforms.calls("cloudflare");
    const memory_mb = Math.max(...(await Promise.all(world.fleet.pids().map(peakMb))));
    const found = results(many).filter(({ status, owner }) => status === "blocked" && owner === "foreign").length;
    const statuses = results(blocked).map(({ status }) => status);
    const holds =
      list["total"] === rules &&
      (csv["entries"] as unknown[]).length === rules &&
      results(one)[0]?.status === "blocked" &&
      found === MANY &&
      statuses.join() === "already_blocked,blocked" &&
      all.length <= BUDGET &&
      all.every(({ status }) => status !== 429) &&
      memory_mb < LIMIT_MB;
    return { rules, calls_list, calls_csv, calls_search, calls_search_100, found, calls: all.length, budget: BUDGET, memory_mb, holds };
  } finally {
    await world.end();
  }
}

const addressOf = (at: number) => `198.18.${at >> 8}.${at & 255}`;

/** In portions, as bodies are. */
async function makeByHand(platforms: Platforms, rules: number): Promise<void> {
  for (let from = 0; from < rules; from += 1_000) {
    const portion = Array.from({ length: Math.min(1_000, rules - from) }, (_, at) => ({
      ...{ mode: "block", notes: "by hand", configuration: { target: "ip", value: addressOf(from + at) } },
    }));
    await platforms.makeRules(portion);
  }
}

/** Counts the calls that Cloudflare has got since it was last asked. */
async function counter(platforms: Platforms): Promise<() => Promise<number>> {
  let before = (await platforms.calls("cloudflare")).length;
  return async () => {
    const now = (await platforms.calls("cloudflare")).length;
    const since = now - before;
    before = now;
    return since;
  };
}

function results(output: Record<string, unknown>): readonly { readonly status: string; readonly owner?: string }[] {
  return output["results"] as { status: string; owner?: string }[];
}

/** The most that a process has had resident (`VmHWM` of proc(5)), in MB. */
async function peakMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024);
}
