import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, realpath, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { OpsError } from "../../../core/errors.ts";
import type { Account } from "./account.ts";

/** Where the parts of an embedded server are. */
export interface Places {
  /** `DATA_DIR/postgres`, without symbolic links. */
  readonly root: string;
  readonly data: string;
  /** Links to shared libraries, made only where npm did not make them. */
  readonly lib: string;
  readonly log: string;
  /** Folder of the socket. */
  readonly host: string;
  /** In the command line of every process of this server, and of no other. */
  readonly tag: string;
}

/** Port in the socket's name; there is no TCP port. */
export const PORT = 5432;
/** A unix socket's path holds 108 bytes on Linux and 104 on macOS, with the zero at its end. */
const SOCKET_BYTES = 100;

/** Makes `DATA_DIR/postgres` and says where things are in it. */
export async function openPlaces(data_dir: string): Promise<Places> {
  // As root the server runs as another user, who must be able to pass through.
  await mkdir(data_dir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  await mkdir(path.join(data_dir, "postgres"), { recursive: true, mode: 0o700 });
  return placesOf(await realpath(path.join(data_dir, "postgres")));
}

/** Where things are below a folder that exists. */
function placesOf(root: string): Places {
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 16);
  const place = (name: string) => path.join(root, name);
  return { root, data: place("data"), lib: place("lib"), log: place("log"), host: socketFolder(root, hash), tag: `switchboard-${hash}` };
}

function socketFolder(root: string, hash: string): string {
  const run = path.join(root, "run");
  if (fits(run)) return run;
  // The user's id is in the name, so that users do not shut each other out.
  const name = `switchboard-${process.getuid?.() ?? 0}-${hash}`;
  const short = path.join(tmpdir(), name);
  return fits(short) ? short : path.join("/tmp", name);
}

const fits = (folder: string): boolean => Buffer.byteLength(path.join(folder, `.s.PGSQL.${PORT}`)) <= SOCKET_BYTES;

/**
 * Makes the socket's folder, which only the server's user (and root) may enter: that is all the authentication there is.
 * @throws OpsError `unavailable` when something that is not ours stands in its place, as anybody can put it in /tmp
 */
export async function makeSocketFolder(host: string, account: Account): Promise<void> {
  await mkdir(host, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = await lstat(host);
  const me = process.getuid?.();
  const ours = found.isDirectory() && (found.uid === me || found.uid === account.uid);
  if (!ours)
    throw new OpsError("unavailable", `${host} belongs to somebody else: remove it, or set DATA_DIR to a folder with a shorter path`);
  await chmod(host, 0o700);
  await give(host, account);
}

/** Removes the socket's folder where it is not inside ours; what is in it goes with the server. */
export async function removeSocketFolder({ root, host }: Places): Promise<void> {
  if (path.dirname(host) !== root) await rmdir(host).catch(() => undefined);
}

/** Hands a path to the user the server runs as, where that is another than ours. */
export async function give(place: string, account: Account): Promise<void> {
  if (account.uid !== undefined) await chown(place, account.uid, account.gid);
}
