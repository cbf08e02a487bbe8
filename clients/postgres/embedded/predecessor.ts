import { readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inUse } from "../owner.ts";
import { processesLike, signal } from "../processes.ts";
import { type Places, PORT } from "./places.ts";

/** Above every system's highest pid, so no process has it. */
const NO_PID = 2_147_483_647;
const POLL_MS = 20;
/** When to insist, in milliseconds since the first look. A healthy server needs a fraction of a second. */
const QUIT_MS = 3_000;
const KILL_MS = 6_000;
const GIVE_UP_MS = 10_000;

/**
 * Waits until the server of a process that is gone is gone too, and clears what it left. Its own watcher stops it within moments;
 * where that was killed as well, we stop it. Costs one look at a file when the last stop was clean.
 * @throws OpsError `unavailable` when it cannot be stopped, or runs where we cannot see it (another container on the same folder)
 */
export async function awaitPredecessor(places: Places): Promise<void> {
  const file = path.join(places.data, "postmaster.pid");
  const left = await readFile(file, "utf8").catch(() => null);
  if (left === null) return;
  const pid = Number.parseInt(left, 10);
  // The server by its arguments, each of its processes by its title.
  const ours = new RegExp(`cluster_name=${places.tag}|postgres: ${places.tag}: `);
  const begin = performance.now();
  for (let last: NodeJS.Signals | null = null; ; await sleep(POLL_MS)) {
    const alive = await processesLike(ours);
    if (alive.length === 0) break;
    const waited = performance.now() - begin;
    if (waited > GIVE_UP_MS) throw inUse(places.root, `${alive[0]} (postgres)`);
    last = insist(alive, pid, { waited, last });
  }
  if (await answers(places.host)) throw inUse(places.root, "of another container or machine");
  await clear(places, left, pid);
}

// Each signal once: SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one, from which it recovers at the next start.
function insist(alive: readonly number[], postmaster: number, state: { waited: number; last: NodeJS.Signals | null }): NodeJS.Signals {
  const next = state.waited > KILL_MS ? "SIGKILL" : state.waited > QUIT_MS ? "SIGQUIT" : "SIGINT";
  if (next === state.last) return next;
  const to = next === "SIGINT" ? alive.filter((pid) => pid === postmaster) : alive;
  for (const pid of to) signal(pid, next);
  return next;
}

/** Whether somebody accepts connections on the socket in a folder. */
export function answers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path.join(host, `.s.PGSQL.${PORT}`));
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

// PostgreSQL refuses to start while the pid in its file lives, and by now that may be anybody's. The file itself stays, since from
// its other lines PostgreSQL sees for itself whether anything still uses the shared memory.
async function clear(places: Places, left: string, pid: number): Promise<void> {
  if (Number.isInteger(pid) && signal(pid, 0)) {
    await writeFile(path.join(places.data, "postmaster.pid"), left.replace(/^\d+/, String(NO_PID)));
  }
  const socket = path.join(places.host, `.s.PGSQL.${PORT}`);
  await Promise.all([rm(socket, { force: true }), rm(`${socket}.lock`, { force: true })]);
}
