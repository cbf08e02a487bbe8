import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const ON_LINUX = process.platform === "linux";
/** Room for the list of a busy machine. */
const PS_BYTES = 16 * 1024 * 1024;

/**
 * A text that tells a living process from a later one with the same pid: the boot and the moment it was started.
 * Null when there is no such process, or only its remains (a zombie).
 */
export async function startOf(pid: number): Promise<string | null> {
  return ON_LINUX ? startFromProc(pid) : startFromPs(pid);
}

async function startFromProc(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  // The name in brackets may hold anything, so the fields are counted from its last bracket: state is 3, starttime 22 (man 5 proc).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return null;
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return `${boot.trim()} ${fields[19]}`;
}

async function startFromPs(pid: number): Promise<string | null> {
  const { stdout } = await run("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { env: { LC_ALL: "C", PATH: "/usr/bin:/bin" } }).catch(
    () => ({ stdout: "" }),
  );
  const [state = "", ...start] = stdout.trim().split(/\s+/);
  return state === "" || state.startsWith("Z") ? null : start.join(" ");
}

/** The pids of the processes whose command line matches. Command lines are readable for everybody, unlike folders. */
export async function processesLike(pattern: RegExp): Promise<number[]> {
  if (!ON_LINUX) {
    const { stdout } = await run("ps", ["-axww", "-o", "pid=,command="], { env: { PATH: "/usr/bin:/bin" }, maxBuffer: PS_BYTES });
    const lines = stdout.split("\n").filter((line) => pattern.test(line));
    return lines.map((line) => Number.parseInt(line, 10));
  }
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return pids.filter((_, index) => pattern.test(commands[index] ?? "")).map(Number);
}

/** Sends a signal; false when there is no such process, or it is not ours to signal. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
