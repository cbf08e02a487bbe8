import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { OpsError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/ports.ts";
import type { Binaries } from "./binaries.ts";
import { give, type Places } from "./places.ts";

/** The user PostgreSQL runs as. */
export interface Account {
  /** To be set by the program that starts it; undefined where the command in front does it. */
  readonly drop: { readonly uid?: number; readonly gid?: number };
  /** A command that runs the server, for example `setpriv ...`; often empty. */
  readonly prefix: readonly string[];
  /** Whom the files are to belong to; undefined: they are ours and stay so. */
  readonly uid: number | undefined;
  readonly gid: number;
}

/** "nobody": PostgreSQL refuses to run as root. */
const NOBODY = 65_534;
/** What initdb says when the user it runs as is not in /etc/passwd. */
export const NAMELESS = /could not look up effective user ID/;
const run = promisify(execFile);

/**
 * As whom to run: an ordinary user runs it as itself. Root runs it as the user the data belongs to, or as nobody, who may be unable
 * to enter the folders (a clone in /root, mode 0700); then it gets the one right to pass them, on Linux and where setpriv is there.
 * @throws OpsError `unavailable` when no way works, saying what to do
 */
export async function chooseAccount(places: Places, binaries: Binaries, log: Logger): Promise<Account> {
  if (process.getuid?.() !== 0) return { drop: {}, prefix: [], uid: undefined, gid: 0 };
  const owner = await stat(places.data).catch(() => null);
  const [uid, gid] = owner && owner.uid !== 0 ? [owner.uid, owner.gid] : [NOBODY, NOBODY];
  const candidates: readonly Account[] = [
    { drop: { uid, gid }, prefix: [], uid, gid },
    { drop: {}, prefix: setpriv("dac_read_search", uid, gid), uid, gid },
    // Docker withholds the narrower right from root and grants this one. It also covers programs that only root may execute.
    { drop: {}, prefix: setpriv("dac_override", uid, gid), uid, gid },
  ];
  await give(places.root, { drop: {}, prefix: [], uid, gid });
  for (const account of candidates) {
    const failure = await tryOut(account, places, binaries);
    if (failure === null) return account;
    log.debug({ uid, prefix: account.prefix, failure }, "the embedded PostgreSQL cannot run in this way");
  }
  throw new OpsError(
    "unavailable",
    `the embedded PostgreSQL does not run as root, and user ${uid} cannot enter ${places.root} or ${path.dirname(binaries.postgres)}: ` +
      "move the project and DATA_DIR to folders that every user may enter, run Switchboard as an ordinary user, or set DATABASE_URL",
  );
}

// Ambient capabilities survive the exec of an ordinary program and leave it its environment. no_setuid_fixup: without it access(2),
// with which PostgreSQL looks for its own programs, takes the right away again (fs/open.c, access_override_creds).
function setpriv(capability: string, uid: number, gid: number): string[] {
  const caps = `-all,+${capability}`;
  const user = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  return ["setpriv", ...user, `--inh-caps=${caps}`, `--ambient-caps=${caps}`, "--securebits=+no_setuid_fixup"];
}

// Whether it works is tried, not computed from modes: those know nothing of ACLs, mounts and containers.
// `initdb --show` starts the programs with their libraries and writes nothing. A user without a name is no obstacle: see cluster.ts.
async function tryOut(account: Account, places: Places, binaries: Binaries): Promise<string | null> {
  const script = 'cd "$1" && : <"$2" && exec "$0" --show -D "$1/none" -U postgres';
  const [file = "/bin/sh", ...rest] = [...account.prefix, "/bin/sh", "-c", script, binaries.initdb, places.root, binaries.sample];
  try {
    await run(file, rest, { ...account.drop, env: { ...binaries.env }, cwd: "/" });
    return null;
  } catch (error) {
    return NAMELESS.test(String(error)) ? null : String(error);
  }
}
