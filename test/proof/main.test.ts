import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { proveBlocks } from "../../proof/block-list.ts";

/** A tenth of `npm run proof -- main`: 20 real addresses and two kills, while three in ten of Cloudflare's calls fail. */
const BLOCK_LIST = path.resolve(import.meta.dirname, "../../../shared/data/blocklist/ipsum-level5.txt");
const ADDRESSES = 20;
const KILLS = 2;

it.each(["embedded", "redis"] as const)(
  "one rule an address, every run ended truthfully, every asker answered: %s",
  async (backend) => {
    const verdict = await proveBlocks({ backend, addresses: await readAddresses(), kills: KILLS, say: () => undefined });
    expect(verdict).toMatchObject({ complete: true, addresses: ADDRESSES, one_rule: ADDRESSES, untruthful: 0, kills: KILLS, holds: true });
    expect(verdict.answered_in_chat).toBe(ADDRESSES / 2);
    expect(verdict.explained_copies).toBe(verdict.copies);
    expect(verdict.telegram_breaches).toBe(0);
  },
  180_000,
);

/** The real list where it is beside the project, else documentation addresses. */
async function readAddresses(): Promise<string[]> {
  if (!existsSync(BLOCK_LIST)) return Array.from({ length: ADDRESSES }, (_, index) => `203.0.113.${index}`);
  return (await readFile(BLOCK_LIST, "utf8")).split("\n").filter(Boolean).slice(0, ADDRESSES);
}
