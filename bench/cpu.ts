import { readdir, readFile } from "node:fs/promises";

/** CPU time by program, in milliseconds: of this process (`client`) and of all that it started. */
export type CpuTimes = Readonly<Record<string, number>>;

/** A tick of the times in proc(5); 100 a second wherever Linux runs. */
const TICK_MS = 10;
const NAMES: Readonly<Record<string, string>> = { node: "switchboard", postgres: "postgresql", "redis-server": "redis" };

/** What each program has used so far. A process that has ended is not in it. */
export async function readCpuTimes(): Promise<CpuTimes> {
  const all = (await Promise.all((await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(readStat))).filter(
    (one) => one !== null,
  );
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const isOurs = (pid: number): boolean => pid === process.pid || (pid > 1 && isOurs(parents.get(pid) ?? 0));
  const times: Record<string, number> = {};
  for (const { pid, command, ticks } of all.filter((one) => isOurs(one.pid))) {
    const name = pid === process.pid ? "client" : (NAMES[command] ?? command);
    times[name] = (times[name] ?? 0) + ticks * TICK_MS;
  }
  return times;
}

/** What was used between two readings, in microseconds for each of so many things. */
export function cpuPerEach(before: CpuTimes, after: CpuTimes, count: number): CpuTimes {
  const used = Object.entries(after).map(
    ([name, ms]) => [name, Number((((ms - (before[name] ?? 0)) * 1_000) / count).toFixed(1))] as const,
  );
  return Object.fromEntries(used.filter(([, us]) => us > 0));
}

async function readStat(pid: string) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const [, command = "", rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
  const fields = rest.split(" ");
  if (fields.length < 13) return null;
  // ppid, utime and stime: the fields 4, 14 and 15 of the line.
  return { pid: Number(pid), command, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}
