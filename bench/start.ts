import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { type Program, startProgram } from "../proof/process.ts";
import { freePort } from "../proof/servers.ts";
import { quantile, residentMb, round } from "./numbers.ts";

const run = promisify(execFile);
const WARM = 5;
/** After so long nothing of the start is going on any more, in milliseconds. */
const SETTLED_MS = 5_000;
const POLL_MS = 10;

/** Says each module of Cloudflare's SDK as it is loaded; runs in the thread of Node's loader. */
const LOADER = `
  import { writeSync } from "node:fs";
  export async function load(url, context, next) {
    if (url.includes("/node_modules/cloudflare/")) writeSync(2, "cloudflare sdk\\n");
    return next(url, context);
  }`;
const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
const WATCH_LOADER = dataUrl(`import { register } from "node:module"; register(${JSON.stringify(dataUrl(LOADER))});`);

/**
 * From the spawn of `node` to the first 200 of `/readyz`: with nothing there, and again with a database that is there already, beside a bare HTTP server
 * of node's in the same run. What the idle process holds, and how large what is installed is.
 */
export async function benchStart(): Promise<object> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-bench-"));
  try {
    const bare = await startBare();
    const cold = await startOnce(folder);
    await cold.stop();
    const warm: number[] = [];
    let idle_mb = 0;
    for (let at = 0; at < WARM; at++) {
      const started = await startOnce(folder);
      warm.push(started.ms);
      if (at === WARM - 1) idle_mb = await afterRest(started.pid);
      await started.stop();
    }
    // Once more, for whoever watches the loader is slower.
    const watched = await startOnce(folder, { NODE_OPTIONS: `--import ${WATCH_LOADER}` });
    const sdk_modules = watched.output().match(/^cloudflare sdk$/gm)?.length ?? 0;
    await watched.stop();
    const warm_ms = round(quantile(warm, 0.5), 0);
    return {
      bench: "start",
      ours: warm_ms,
      limit: round(bare, 0),
      ratio: round(warm_ms / bare, 1),
      unit: "ms, p50 from spawn to ready, warm; the limit is a bare HTTP server of node's",
      cold_ms: round(cold.ms, 0),
      idle_mb,
      cloudflare_sdk_modules_before_use: sdk_modules,
      ...(await sizes(folder)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  }
}

async function startBare(): Promise<number> {
  const began = performance.now();
  const program = await startProgram("bench/main.js", { args: ["plain", "http://127.0.0.1:9"], env: {} });
  const took = performance.now() - began;
  await program.kill();
  return took;
}

interface Started extends Program {
  readonly ms: number;
}

async function startOnce(folder: string, more: Readonly<Record<string, string>> = {}): Promise<Started> {
  const port = String(await freePort());
  const began = performance.now();
  const env = { DATA_DIR: path.join(folder, "data"), PORT: port, LOG_LEVEL: "error", ...more };
  const program = await startProgram("bin/switchboard.js", { args: ["serve"], env });
  const isReady = () =>
    fetch(`${program.url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  return { ...program, ms: performance.now() - began };
}

async function afterRest(pid: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  return residentMb(pid);
}

/** What is installed, with the tools that develop it and without, in MB. */
async function sizes(folder: string): Promise<object> {
  const production = path.join(folder, "production");
  for (const file of ["package.json", "package-lock.json"]) await cp(file, path.join(production, file));
  await run("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: production });
  const lock = JSON.parse(await readFile("package-lock.json", "utf8")) as { packages: Record<string, { dev?: boolean }> };
  const packages = Object.entries(lock.packages).filter(([name, { dev }]) => name !== "" && !dev).length;
  return {
    node_modules_mb: round((await sizeOf("node_modules")) / 1e6, 0),
    node_modules_without_dev_mb: round((await sizeOf(path.join(production, "node_modules"))) / 1e6, 0),
    packages_without_dev: packages,
  };
}

async function sizeOf(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) sum += await sizeOf(at);
    else if (entry.isFile()) sum += (await stat(at)).size;
  }
  return sum;
}
