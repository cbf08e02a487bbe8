import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A process and all it started, directly or not. */
export async function treeOf(pid: number): Promise<number[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid="]);
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const tree = [pid];
  for (const parent of tree) tree.push(...rows.filter(([, ppid]) => ppid === parent).map(([child = 0]) => child));
  return tree;
}

/** Those of these processes that still run. A zombie, which only waits for its parent, does not. */
export async function alive(pids: readonly number[]): Promise<number[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,stat="]);
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  const running = new Set(rows.filter(([, state = "Z"]) => !state.startsWith("Z")).map(([pid]) => Number(pid)));
  return pids.filter((pid) => running.has(pid));
}
