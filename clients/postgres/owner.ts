import { randomBytes } from "node:crypto";
import { link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { OpsError } from "../../core/errors.ts";
import { startOf } from "./processes.ts";

/** Who uses a folder. `started` tells the process from a later one with the same pid. */
const Claim = z.object({ pid: z.number(), started: z.string(), host: z.string(), released: z.boolean() });
type Claim = z.infer<typeof Claim>;

interface Numbered {
  readonly number: number;
  readonly claim: Claim | null;
}

/** The right of this process to use a folder. */
export interface Owner {
  /** Gives the folder back; a process that is killed gives it back by being dead. */
  release(): Promise<void>;
}

// Claims are files owner.1, owner.2, ...; the highest counts and is never removed, only marked. So a claim is made by creating
// the next number, which the file system grants to one process only, and a starter that was slow finds a higher number
// than its own and steps back. Removing a dead process's file instead would let two starters each remove the other's.
const CLAIM_FILE = /^owner\.(\d+)$/;

/**
 * Claims a folder for this process. Of several that try at once exactly one gets it; the claim of a dead process counts for nothing.
 * @param host folder of the server's socket, for those who want to join
 * @throws OpsError `unavailable` when a living process (this one included) has it
 */
export async function claimFolder(folder: string, host: string): Promise<Owner> {
  const claim: Claim = { pid: process.pid, started: (await startOf(process.pid)) ?? "", host, released: false };
  for (;;) {
    const highest = await highestClaim(folder);
    if (highest?.claim && (await isAlive(highest.claim))) throw inUse(folder, highest.claim.pid);
    const number = (highest?.number ?? 0) + 1;
    const file = path.join(folder, `owner.${number}`);
    if (!(await create(file, claim))) continue;
    const numbers = await claimNumbers(folder);
    if (Math.max(...numbers) > number) {
      await rm(file, { force: true });
      continue;
    }
    await Promise.all(numbers.filter((other) => other < number).map((other) => rm(path.join(folder, `owner.${other}`), { force: true })));
    return { release: () => replace(file, { ...claim, released: true }) };
  }
}

/** The living process that has claimed a folder and where its server listens, or null. */
export async function ownerOf(folder: string): Promise<{ readonly pid: number; readonly host: string } | null> {
  const claim = (await highestClaim(folder))?.claim;
  return claim && (await isAlive(claim)) ? { pid: claim.pid, host: claim.host } : null;
}

/** The refusal that names the folder and who uses it. */
export function inUse(folder: string, pid: number | string): OpsError {
  return new OpsError(
    "unavailable",
    `the data folder ${folder} is in use by process ${pid}: stop that one, or set DATA_DIR to another folder`,
  );
}

async function isAlive(claim: Claim): Promise<boolean> {
  return !claim.released && (await startOf(claim.pid)) === claim.started;
}

async function claimNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.flatMap((name) => CLAIM_FILE.exec(name)?.[1] ?? []).map(Number);
}

async function highestClaim(folder: string): Promise<Numbered | null> {
  const numbers = await claimNumbers(folder);
  if (numbers.length === 0) return null;
  const number = Math.max(...numbers);
  const text = await readFile(path.join(folder, `owner.${number}`), "utf8").catch(() => "");
  return { number, claim: parse(text) };
}

// A file that is no claim was cut short by a crash of the machine: nobody lives who wrote it.
function parse(text: string): Claim | null {
  try {
    return Claim.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

// Written aside and then linked, so that whoever sees the name sees the whole content.
async function create(file: string, claim: Claim): Promise<boolean> {
  const aside = await writeAside(file, claim);
  try {
    await link(aside, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function replace(file: string, claim: Claim): Promise<void> {
  await rename(await writeAside(file, claim), file);
}

async function writeAside(file: string, claim: Claim): Promise<string> {
  const aside = path.join(path.dirname(file), `claim-${process.pid}-${randomBytes(4).toString("hex")}`);
  await writeFile(aside, `${JSON.stringify(claim)}\n`, { mode: 0o644 });
  return aside;
}
