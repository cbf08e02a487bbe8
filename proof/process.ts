import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { promisify } from "node:util";

/** A program of ours that runs in a process of its own. */
export interface Program {
  readonly pid: number;
  /** Where it listens. */
  readonly url: string;
  /** Everything it printed. */
  output(): string;
  /** SIGKILL: no chance to say goodbye. */
  kill(): Promise<void>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
}

/** What a program is started with. */
export interface ProgramOptions {
  /** The only environment it sees, besides PATH and HOME. */
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Options of node itself. */
  readonly node_options?: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd?: string;
  /** The folder of the compiled programs, where it is not ours. */
  readonly dist?: string;
  /** How long until it listens, in milliseconds. */
  readonly patience_ms?: number;
  /** What it prints when it is ready, where it does not listen. */
  readonly says?: RegExp;
}

const run = promisify(execFile);
const LISTENING = /listening on (http:\/\/\S+)/;
const PATIENCE_MS = 30_000;
const PAUSE_MS = 50;

/** Runs a compiled program to its end. @returns what it printed. @throws Error when it fails */
export async function runProgram(script: string, { env, args = [] }: Pick<ProgramOptions, "env" | "args">): Promise<string> {
  const own = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/tmp", ...env };
  const { stdout } = await run(process.execPath, [path.join(distFolder(), script), ...args], { env: own });
  return stdout;
}

/** The compiled programs, found from here whether this file runs compiled (dist/proof) or from source (proof). */
function distFolder(): string {
  const here = import.meta.dirname;
  const above = path.dirname(here);
  return path.basename(above) === "dist" ? above : path.join(above, "dist");
}

/**
 * Starts a compiled program with node, never through npm, and waits until it says where it listens.
 * @param script below dist/, e.g. "bin/switchboard.js"
 * @throws Error with all it printed, when it ends or does not listen in time
 */
export async function startProgram(script: string, options: ProgramOptions): Promise<Program> {
  const { env, args = [], node_options = [], uid, gid, cwd, dist = distFolder(), patience_ms = PATIENCE_MS, says = LISTENING } = options;
  const child = spawn(process.execPath, [...node_options, path.join(dist, script), ...args], {
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/tmp", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(cwd !== undefined && { cwd }),
  });
  let printed = "";
  const exited = once(child, "exit");
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${script} ${why}:\n${printed}`));
    const timer = setTimeout(() => fail(`did not listen within ${patience_ms} ms`), patience_ms);
    const read = (chunk: Buffer) => {
      printed += chunk;
      const found = says.exec(printed);
      if (!found) return;
      clearTimeout(timer);
      resolve(found[1] ?? "");
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
  }).catch(async (thrown: unknown) => {
    child.kill("SIGKILL");
    throw thrown;
  });
  return { pid: child.pid ?? 0, url, output: () => printed, kill: () => end(child, exited, "SIGKILL"), stop: () => stop(child, exited) };
}

async function end(child: ChildProcess, exited: Promise<unknown>, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await exited;
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<number | null> {
  await end(child, exited, "SIGTERM");
  return child.exitCode;
}

/** Asks again and again until the answer is good, as an impatient person would. @throws Error when it never is */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  patience_ms = PATIENCE_MS,
  pause_ms = PAUSE_MS,
): Promise<T> {
  const deadline = Date.now() + patience_ms;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${patience_ms} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pause_ms));
  }
}
