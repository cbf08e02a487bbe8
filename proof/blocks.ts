import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { proveBlocks } from "./block-list.ts";
import { proveLargeAccount } from "./large-account.ts";
import { type Row, timed, toTable, writeSection } from "./page.ts";
import type { Backend } from "./world.ts";

/** Real addresses: five or more public blacklists named each of them on one day (stamparm/ipsum, public domain). */
const BLOCK_LIST = path.resolve("../shared/data/blocklist/ipsum-level5.txt");
const IN_TELEGRAM = 100;
const KILLS = 20;
/** Where the real list is not there. */
const STAND_INS = 1_413;
const TITLES: Readonly<Record<Backend, string>> = {
  embedded: "one process, embedded",
  redis: "one process, Redis + PostgreSQL 15",
  scaled: "2 http, 2 workers, bots, scheduler on Redis + PostgreSQL 15",
};

/** The proof `main`. @param only the parts that are wanted; none: all of them. @returns whether it holds */
export async function proveAllBlocks(only: readonly string[]): Promise<boolean> {
  const wanted = (part: string) => only.length === 0 || only.includes(part);
  const addresses = await readAddresses();
  const rows: Row[] = [];
  for (const backend of ["embedded", "redis", "scaled"] as const) {
    if (!wanted(backend)) continue;
    const say = (line: string) => console.error(`${backend}: ${line}`);
    rows.push(await timed("main", TITLES[backend], () => proveBlocks({ backend, addresses, in_telegram: IN_TELEGRAM, kills: KILLS, say })));
  }
  const large = wanted("large") ? [await timed("main", "10,000 rules made by hand", () => proveLargeAccount())] : [];
  // A part of the proof is for whoever works on that part; the page tells of all of it.
  if (only.length === 0) await writeSection("main", toSection(rows, large));
  return [...rows, ...large].every(([, verdict]) => verdict.holds);
}

async function readAddresses(): Promise<string[]> {
  if (existsSync(BLOCK_LIST)) return (await readFile(BLOCK_LIST, "utf8")).split("\n").filter(Boolean);
  console.error(`${BLOCK_LIST} is not here: addresses of a test network (RFC 2544) are used in its place`);
  return Array.from({ length: STAND_INS }, (_, index) => `198.18.${index >> 8}.${index & 255}`);
}

function toSection(rows: readonly Row[], large: readonly Row[]): string[] {
  return [
    "## Blocks",
    "",
    "Written by `npm run proof -- main`. Every address of a public block list is blocked and then released again: a hundred of them by lines in",
    "Telegram, the others by `POST /api/v1/cf/block` and `/release`, whose answers go to Telegram too. Meanwhile three in ten of Cloudflare's",
    "calls fail (500, 429, connection cut after the rule was made) and processes are killed with SIGKILL. Rules, ledger, runs and answers must",
    "agree. A second copy of an answer is explained when Telegram accepted the first one in the moment before a kill: nobody can know then that",
    "it arrived. The budgets are a hundred times the contract's, so that the work and not the pacing is tried.",
    "",
    ...toTable(rows),
    "",
    "An account that holds 10,000 rules which somebody made by hand, on the contract's own budgets, everything in one process:",
    "",
    ...toTable(large),
  ];
}
