import { open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { OpsError } from "../../../core/errors.ts";
import { exited, supervise } from "../supervise.ts";
import { type Account, NAMELESS } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { give, type Places } from "./places.ts";

const UNFINISHED = /^data\.new-/;
// initdb looks its user's name up, and a container's user often has none. In a namespace of its own it is "nobody", who has.
const AS_NOBODY = ["unshare", "--user", "--map-user=65534", "--map-group=65534"];
// C.UTF-8 is built into PostgreSQL 18 and knows upper and lower case of every script, which the plain C locale does not.
const LOCALE = ["-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];

/**
 * Makes the folder of the database unless it is there. It appears whole or not at all: it is made beside, synced and then renamed,
 * so a process killed in between leaves nothing but a folder that the next start removes.
 * @throws OpsError `unavailable` with the words of initdb
 */
export async function ensureCluster(places: Places, binaries: Binaries, account: Account): Promise<void> {
  if (await stat(path.join(places.data, "PG_VERSION")).catch(() => null)) return;
  const left = (await readdir(places.root)).filter((name) => UNFINISHED.test(name));
  await Promise.all(left.map((name) => rm(path.join(places.root, name), { recursive: true, force: true })));
  const fresh = `${places.data}.new-${process.pid}`;
  const command = [binaries.initdb, "-D", fresh, "-U", "postgres", "-A", "trust", "--no-instructions", ...LOCALE];
  let result = await initdb(command, binaries, account);
  if (NAMELESS.test(result.output)) {
    result = await initdb(command, binaries, { ...account, prefix: [...account.prefix, ...AS_NOBODY] });
    if (result.code !== 0)
      throw failed("the user id of this process has no name: add it to /etc/passwd, or set DATABASE_URL", result.output);
  }
  if (result.code !== 0)
    throw failed("the embedded PostgreSQL cannot make its folder: set DATABASE_URL to a server of your own", result.output);
  await give(fresh, account);
  await rename(fresh, places.data);
  await syncFolder(places.root);
}

async function initdb(command: readonly string[], binaries: Binaries, account: Account): Promise<{ code: number | null; output: string }> {
  const child = supervise(command, { env: binaries.env, ...account.drop, output: "pipe" }, account.prefix);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await exited(child).catch((error: unknown) => {
    output += String(error);
    return -1;
  });
  return { code, output };
}

function failed(advice: string, output: string): OpsError {
  const words = output.trim().split("\n").slice(-3).join(" ");
  return new OpsError("unavailable", `${advice} (initdb: ${words})`);
}

// A rename is on the disk only when its folder is.
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
