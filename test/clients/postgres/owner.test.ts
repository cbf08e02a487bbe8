import { spawnSync } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { claimFolder, ownerOf } from "../../../clients/postgres/owner.ts";
import { startOf } from "../../../clients/postgres/processes.ts";
import { emptyFolder } from "../../support/embedded.ts";

const host = "/run/somewhere";

/** What a process that is gone left behind. */
function leftBy(claim: { pid: number; started: string }): string {
  return JSON.stringify({ ...claim, host, released: false });
}

function deadPid(): number {
  return spawnSync("true").pid;
}

describe("the claim on a folder", () => {
  it("is held by one at a time and can be had again after it", async () => {
    const folder = await emptyFolder("/tmp");
    const owner = await claimFolder(folder, host);
    expect(await ownerOf(folder)).toEqual({ pid: process.pid, host });
    await expect(claimFolder(folder, host)).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(folder) });
    await owner.release();
    expect(await ownerOf(folder)).toBeNull();
    await (await claimFolder(folder, host)).release();
  });

  it("goes to exactly one of many who find a dead one's claim at the same moment", async () => {
    const folder = await emptyFolder("/tmp");
    await writeFile(path.join(folder, "owner.7"), leftBy({ pid: deadPid(), started: "then" }));
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => claimFolder(folder, host)));
    expect(tries.filter((attempt) => attempt.status === "fulfilled")).toHaveLength(1);
    expect(await readdir(folder)).toEqual(["owner.8"]);
  });

  it("is not fooled by another process that has got the pid since", async () => {
    const folder = await emptyFolder("/tmp");
    await writeFile(path.join(folder, "owner.1"), leftBy({ pid: process.ppid, started: "long ago" }));
    expect(await ownerOf(folder)).toBeNull();
    await (await claimFolder(folder, host)).release();
  });

  it("respects a living process", async () => {
    const folder = await emptyFolder("/tmp");
    const started = (await startOf(process.ppid)) ?? "";
    await writeFile(path.join(folder, "owner.1"), leftBy({ pid: process.ppid, started }));
    await expect(claimFolder(folder, host)).rejects.toThrow(`process ${process.ppid}`);
  });

  it("does not stumble over a file that a power cut left empty", async () => {
    const folder = await emptyFolder("/tmp");
    await writeFile(path.join(folder, "owner.3"), "");
    await (await claimFolder(folder, host)).release();
  });
});

describe("startOf", () => {
  it("is null for a process that is gone", async () => {
    expect(await startOf(deadPid())).toBeNull();
    expect(await startOf(process.pid)).toBe(await startOf(process.pid));
  });
});
