import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { type Row, timed, toTable, writeSection } from "../page.ts";
import type { Backend } from "../world.ts";
import { proveEvents } from "./events.ts";
import type { Faults } from "./faults.ts";
import { PURCHASES, readPurchases } from "./purchases.ts";

const PARTS: readonly (Faults & { readonly backend: Backend; readonly title: string })[] = [
  { backend: "embedded", title: "one process, embedded", kills: 2, outage_s: 0 },
  { backend: "redis", title: "one process, Redis + PostgreSQL 15", kills: 2, outage_s: 10 },
  { backend: "scaled", title: "2 http, 2 workers on Redis + PostgreSQL 15", kills: 6, outage_s: 10 },
];

/** The proof `events`. @param only the parts that are wanted; none: all of them. @returns whether it holds */
export async function proveAllEvents(only: readonly string[]): Promise<boolean> {
  if (!existsSync(PURCHASES)) {
    console.error(`the proof needs ${PURCHASES}, which is not here`);
    return false;
  }
  const purchases = await readPurchases(PURCHASES);
  const rows: Row[] = [];
  for (const { backend, title, ...faults } of PARTS.filter(({ backend }) => only.length === 0 || only.includes(backend))) {
    const say = (line: string) => console.error(`${backend}: ${line}`);
    const seed = randomBytes(4).toString("hex");
    rows.push(await timed("events", title, () => proveEvents({ backend, purchases, seed, say, ...faults })));
  }
  if (only.length === 0) await writeSection("events", toSection(rows));
  return rows.every(([, verdict]) => verdict.holds);
}

function toSection(rows: readonly Row[]): string[] {
  return [
    "## Events",
    "",
    "Written by `npm run proof -- events`. Every purchase of a music shop's customers (CDNOW sample: 6,919 lines, 2,357 customers) is collected",
    "twice, in random order, by 16 clients at once: half of the events by themselves, the others as arrays of 2 to 300. Meanwhile processes are",
    "killed with SIGKILL while requests are under way, and PostgreSQL is killed for 10 s where it is a server of its own. A client sends again",
    "what was not acknowledged. Compared with the file are the table by SQL (rows, and each customer's sum), and each customer's list by",
    "`GET /api/event/{user_id}`, four events a page. While PostgreSQL is away a receipt may say `queued`, or that nobody can say (503).",
    "",
    ...toTable(rows),
  ];
}
