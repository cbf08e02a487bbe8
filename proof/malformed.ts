import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { complaintOf, type Malformed, malformedBodies } from "./malformed-bodies.ts";
import { type Row, timed, toTable, writeSection } from "./page.ts";
import { type Program, startProgram, until } from "./process.ts";
import type { Verdict } from "./verdict.ts";
import { PROOF_KEY } from "./world.ts";

/** How many bodies, and the seed they are made from. */
export interface MalformedOptions {
  readonly count: number;
  readonly seed: number;
}

const FULL_SIZE: MalformedOptions = { count: 10_000, seed: 20_261_127 };
const AT_ONCE = 16;
/** Answers that are wrong, told at most. */
const TOLD = 20;
const KEY = { authorization: `Bearer ${PROOF_KEY}` };

/** The proof `malformed`. @returns whether it holds */
export async function proveAllMalformed(): Promise<boolean> {
  const row = await timed("malformed", "one process, embedded", () => proveMalformed(FULL_SIZE, console.error));
  await writeSection("malformed", toSection(row));
  return row[1].holds;
}

function toSection(row: Row): string[] {
  return [
    "## Malformed events",
    "",
    "Written by `npm run proof -- malformed`. A generator (`proof/malformed-bodies.ts`) makes 10,000 bodies for `/api/collect` and `/api/event` that are no",
    "good, of 24 kinds in turn, and knows of each what must be answered: the status, and of a 422 the fields that are named. The good events in lists",
    "that hold wrong ones are the only ones that may be stored, and must be.",
    "",
    ...toTable([row]),
  ];
}

/**
 * Sends bodies that are no good to a program of its own. Each must be refused for what is wrong with it, nothing of it may be stored, and the program
 * must be as well afterwards as before.
 * @param say is told of each wrong answer
 */
export async function proveMalformed(options: MalformedOptions, say: (line: string) => void): Promise<Verdict> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-malformed-"));
  const env = { DATA_DIR: path.join(folder, "data"), PORT: "0", ADMIN_API_KEY: PROOF_KEY, LOG_LEVEL: "warn" };
  const program = await startProgram("bin/switchboard.js", { args: ["serve"], env });
  try {
    const { complaints, counts, good } = await sendAll(program, malformedBodies(options.count, options.seed));
    for (const complaint of complaints.slice(0, TOLD)) say(complaint);
    const { accepted, stored } = await settled(program);
    const found = await storedIds(program);
    const strangers = found.filter((event_id) => !good.has(event_id)).length;
    const errors = program.output().split("\n").filter(isError).length;
    const alive = (await fetch(`${program.url}/readyz`)).status === 200;
    const all = found.length - strangers === good.size && accepted === good.size && stored === good.size;
    const holds = complaints.length + strangers + errors === 0 && all && alive;
    return {
      sent: options.count,
      ...counts,
      wrong_answers: complaints.length,
      good: good.size,
      stored,
      strangers,
      errors_in_log: errors,
      holds,
    };
  } finally {
    await program.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  }
}

async function sendAll(program: Program, bodies: Iterator<Malformed>) {
  const complaints: string[] = [];
  const counts: Record<string, number> = {};
  const good = new Set<string>();
  const sendThem = async () => {
    for (let next = bodies.next(); !next.done; next = bodies.next()) {
      const { path: route, headers, body } = next.value;
      const got = await fetch(program.url + route, { method: "POST", headers: { ...KEY, ...headers }, body });
      const content_type = got.headers.get("content-type") ?? "";
      const complaint = complaintOf(next.value, { status: got.status, content_type, text: await got.text() });
      if (complaint) complaints.push(complaint);
      counts[`status_${got.status}`] = (counts[`status_${got.status}`] ?? 0) + 1;
      for (const event_id of next.value.good) good.add(event_id);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendThem));
  return { complaints, counts, good };
}

/** What was accepted and stored, once nothing waits any more. */
async function settled({ url }: Program): Promise<{ readonly accepted: number; readonly stored: number }> {
  return until("everything is stored", async () => {
    const metrics = await (await fetch(`${url}/metrics`, { headers: KEY })).text();
    const value = (name: string) => Number(new RegExp(`^switchboard_events_${name} (\\d+)$`, "m").exec(metrics)?.[1] ?? 0);
    const [accepted, stored] = [value("accepted_total"), value("stored_total")];
    // The numbers of one page are not of one moment.
    return value("queued_batches") === 0 && accepted === stored && { accepted, stored };
  });
}

/** Every event that is there: they are all of one person. */
async function storedIds({ url }: Program): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page = await fetch(`${url}/api/event?user_id=malformed&limit=1000&cursor=${cursor}`, { headers: KEY });
    const { results, next_cursor } = (await page.json()) as { results: { event_id: string }[]; next_cursor?: string };
    ids.push(...results.map(({ event_id }) => event_id));
    cursor = next_cursor;
  }
  return ids;
}

function isError(line: string): boolean {
  return /"level":"(error|fatal)"/.test(line);
}
