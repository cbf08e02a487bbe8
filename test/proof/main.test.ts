import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { proveBlocks } from "../../proof/block-list.ts";
import { missing } from "../support/missing.ts";

/** A tenth of `npm run proof -- main`: 20 real addresses and two kills, while three in ten of Cloudflare's calls fail. */
const BLOCK_LIST = path.resolve(import.meta.dirname, "../../../shared/data/blocklist/ipsum-level5.txt");
const ADDRESSES = 20;
const KILLS = 2;

/** The second needs servers of the machine. */
const BACKENDS = hasServers() ? (["embedded", "redis"] as const) : (["embedded"] as const);

it.each(BACKENDS)(
  "one rule an address, every run ended truthfully, every asker answered: %s",
  async (backend) => {
    const verdict = await proveBlocks({ backend, addresses: await readAddresses(), kills: KILLS, say: () => undefined });
    expect(verdict).toMatchObject({ complete: true, addresses: ADDRESSES, one_rule: ADDRESSES, untruthful: 0, kills: KILLS, holds: true });
    expect(verdict.answered_in_chat).toBe(ADDRESSES / 2);
    expect(verdict.explained_copies).toBe(verdict.copies);
  },
  180_000,
);

function hasServers(): boolean {
  const redis = spawnSync("redis-server", ["--version"]).status === 0;
  if (redis && existsSync("/usr/lib/postgresql/15/bin/postgres")) return true;
  return missing("the proof on Redis and PostgreSQL needs redis-server and PostgreSQL 15");
}

/** The real list where it is beside the project, else documentation addresses. */
async function readAddresses(): Promise<string[]> {
  if (!existsSync(BLOCK_LIST)) return Array.from({ length: ADDRESSES }, (_, index) => `203.0.113.${index}`);
  return (await readFile(BLOCK_LIST, "utf8")).split("\n").filter(Boolean).slice(0, ADDRESSES);
}
