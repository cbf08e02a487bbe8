import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { proveBlocks } from "../../proof/block-list.ts";
import { proveLargeAccount } from "../../proof/large-account.ts";
import { missing } from "../support/missing.ts";

/** Less than a tenth of `npm run proof -- main`: real addresses and kills, one in each half, while three in ten of Cloudflare's calls fail. */
const BLOCK_LIST = path.resolve(import.meta.dirname, "../../../shared/data/blocklist/ipsum-level5.txt");
const ADDRESSES = 30;
const IN_TELEGRAM = 6;
const KILLS = 2;

/** All but the first need servers of the machine. */
const BACKENDS = hasServers() ? (["embedded", "redis", "scaled"] as const) : (["embedded"] as const);

it.each(BACKENDS)(
  "one rule an address and then none, every run ended truthfully, every asker answered: %s",
  async (backend) => {
    const addresses = await readAddresses(ADDRESSES);
    const verdict = await proveBlocks({ backend, addresses, in_telegram: IN_TELEGRAM, kills: KILLS, say: () => undefined });
    const all = addresses.length;
    expect(verdict).toMatchObject({ holds: true, block_one_rule: all, block_ledger: all, block_answered_in_chat: all });
    expect(verdict).toMatchObject({ release_rules: 0, release_ledger: 0, release_answered_in_chat: all, kills: KILLS });
  },
  180_000,
);

it("an account with a thousand rules made by hand is listed and searched within its budget", async () => {
  const verdict = await proveLargeAccount(1_000);
  expect(verdict).toMatchObject({ holds: true, rules: 1_000, found: 100 });
}, 120_000);

function hasServers(): boolean {
  const redis = spawnSync("redis-server", ["--version"]).status === 0;
  if (redis && existsSync("/usr/lib/postgresql/15/bin/postgres")) return true;
  return missing("the proof on Redis and PostgreSQL needs redis-server and PostgreSQL 15");
}

/** The real list where it is beside the project, else documentation addresses. */
async function readAddresses(count: number): Promise<string[]> {
  if (!existsSync(BLOCK_LIST)) return Array.from({ length: count }, (_, index) => `203.0.113.${index}`);
  return (await readFile(BLOCK_LIST, "utf8")).split("\n").filter(Boolean).slice(0, count);
}
