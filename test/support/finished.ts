import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { ROOT } from "./source.ts";

/** What is left of a program that has ended. */
export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Longer than any start of ours may take; a program that still runs then is killed, and its code is null. */
const PATIENCE_MS = 30_000;
const SWITCHBOARD = path.join(ROOT, "dist/bin/switchboard.js");

/** Runs `switchboard WORDS...` to its end, with no other environment than this, PATH and HOME. */
export async function switchboard(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const all = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/tmp", ...env };
  const child = spawn(process.execPath, [SWITCHBOARD, ...words], { env: all, cwd: "/tmp", stdio: ["ignore", "pipe", "pipe"] });
  return finished(child);
}

async function finished(child: ChildProcess): Promise<Finished> {
  const said = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (words: string) => (said.out += words));
  child.stderr?.setEncoding("utf8").on("data", (words: string) => (said.err += words));
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  await once(child, "close");
  clearTimeout(timer);
  return { code: child.exitCode, ...said };
}
