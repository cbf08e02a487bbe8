import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { signal } from "../clients/postgres/processes.ts";

const POLL_MS = 500;
const run = promisify(execFile);

/**
 * Calls back once when the npm that runs us is gone: a killed npm hands its child to another parent, and nobody would ever stop it.
 * npm runs a script in a shell, and most shells stay between the two (dash does), so that the shell's parent is watched as well.
 * @param script the environment's `npm_lifecycle_script`, by which npm's shell is told from a shell that somebody types in
 */
export function watchParent(script: string, gone: () => void): void {
  // Read at once: a parent that is gone before everything has started is gone too.
  const parent = process.ppid;
  let npm = parent;
  void parentOfShell(parent, script).then((found) => {
    npm = found ?? parent;
  });
  const timer = setInterval(() => {
    if (process.ppid === parent && signal(npm, 0)) return;
    clearInterval(timer);
    gone();
  }, POLL_MS).unref();
}

/** The parent of a shell that runs this script; null where the process is something else, or cannot be looked at. */
async function parentOfShell(pid: number, script: string): Promise<number | null> {
  const { ppid, command } = await look(pid).catch(() => ({ ppid: 0, command: "" }));
  return ppid > 1 && script !== "" && command.includes(` -c ${script}`) ? ppid : null;
}

async function look(pid: number): Promise<{ readonly ppid: number; readonly command: string }> {
  if (process.platform === "linux") {
    const [stat, arguments_] = await Promise.all([readFile(`/proc/${pid}/stat`, "utf8"), readFile(`/proc/${pid}/cmdline`, "utf8")]);
    // The name in brackets may hold anything; after it come the state and the parent (man 5 proc).
    const ppid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    return { ppid, command: arguments_.replaceAll("\0", " ") };
  }
  const { stdout } = await run("ps", ["-ww", "-o", "ppid=,command=", "-p", String(pid)]);
  const [, ppid = "0", command = ""] = /^\s*(\d+)\s+(.*)$/s.exec(stdout) ?? [];
  return { ppid: Number(ppid), command };
}
