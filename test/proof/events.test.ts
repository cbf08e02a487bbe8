import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { proveEvents } from "../../proof/events/events.ts";
import { PURCHASES, readPurchases } from "../../proof/events/purchases.ts";
import { missing } from "../support/missing.ts";

/** A tenth of `npm run proof -- events`: real purchases twice, two kills, and a PostgreSQL that is away for a while. */
const LINES = 692;
const PARTS = [{ backend: "embedded", kills: 2, outage_s: 0 } as const, { backend: "redis", kills: 2, outage_s: 3 } as const];

/** All but the first need servers of the machine. */
const here = hasServers() ? PARTS : PARTS.slice(0, 1);

describe.skipIf(!hasPurchases())("every purchase that was acknowledged is stored once", () => {
  it.each(here)(
    "$backend",
    async ({ backend, ...faults }) => {
      const purchases = (await readPurchases(PURCHASES)).slice(0, LINES);
      const said: string[] = [];
      const verdict = await proveEvents({ backend, purchases, seed: "a tenth", say: (line) => void said.push(line), ...faults });
      const whole = { rows: LINES, lost: 0, failed_events: 0, acknowledged: 2 * LINES, wrong_answers: 0 };
      expect(verdict, said.join("\n")).toMatchObject({ holds: true, ...whole, ...faults });
      expect(verdict["lists_agree"]).toBe(verdict["customers"]);
    },
    180_000,
  );
});

/** The data lies beside the project and is no part of it, so CI may be without it too. */
function hasPurchases(): boolean {
  if (existsSync(PURCHASES)) return true;
  process.stdout.write(`skipped: the proof of events needs ${PURCHASES}\n`);
  return false;
}

function hasServers(): boolean {
  const redis = spawnSync("redis-server", ["--version"]).status === 0;
  if (redis && existsSync("/usr/lib/postgresql/15/bin/postgres")) return true;
  return missing("the proof of events on Redis and PostgreSQL needs redis-server and PostgreSQL 15");
}
