import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Tells of every module of Cloudflare's SDK as it is loaded; runs in the thread of Node's loader. */
const LOADER = `
  import { writeSync } from "node:fs";
  export async function load(url, context, next) {
    if (url.includes("/node_modules/cloudflare/")) writeSync(2, "sdk\\n");
    return next(url, context);
  }`;
const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
const REGISTER = dataUrl(`import { register } from "node:module"; register(${JSON.stringify(dataUrl(LOADER))});`);

/** What a process of its own saw. */
export interface ChildOutcome {
  /** How many of the wanted networks have a rule. */
  readonly found: number;
  readonly listed: number;
  /** How much the heap grew at most, in MB. */
  readonly grown_mb: number;
  /** "made" and "called" when the edge was, and "sdk" for each module of the SDK that was loaded. */
  readonly events: readonly string[];
}

/** Makes an edge in a process of its own, asks it for one rule, looks networks up, and reads the first scope's whole list. */
export async function inAnotherProcess(settings: {
  readonly token: string;
  readonly base_url: string;
  readonly scopes: readonly string[];
  readonly wanted: readonly string[];
}): Promise<ChildOutcome> {
  const built = pathOf("../../../dist/clients/cloudflare/edge.js");
  const child = [pathOf("edge-child.mjs"), built, JSON.stringify(settings)];
  const { stdout, stderr } = await run(process.execPath, ["--expose-gc", "--import", REGISTER, ...child]);
  return { ...(JSON.parse(stdout) as Omit<ChildOutcome, "events">), events: stderr.trim().split("\n") };
}
