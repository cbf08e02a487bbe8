import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Connection } from "../../clients/postgres/pool.ts";
import { type Program, startProgram, until } from "../../proof/process.ts";
import { emptyFolder } from "../support/embedded.ts";
import { usePostgres, withClient } from "../support/postgres.ts";
import { alive, treeOf } from "../support/process-tree.ts";
import { send } from "../support/rest.ts";
import { ROOT } from "../support/source.ts";
import { ADMIN_KEY, startWorld, type World } from "../support/world.ts";

const postgres = usePostgres();
const IP = "203.0.113.7";
/** The contract gives a process 10 s to end; this much more for a busy machine. */
const PATIENCE_MS = 14_000;

/** Starts a run and waits until a worker is at it. Cloudflare answers it late. */
async function atWork(world: World, connection: Connection, delay_ms: number): Promise<{ program: Program; run_id: string }> {
  const program = await world.start();
  await world.platforms.fault({ target: "cloudflare", method: "POST /zones", delay_ms, times: 1 });
  const { json } = await send(`${program.url}/api/v1/commands/cf_block`, { key: ADMIN_KEY, body: { ip: IP } });
  const run_id = String(json["run_id"]);
  await until("a worker is at it", async () => (await runOf(connection, run_id))?.status === "running");
  await until(
    "Cloudflare is asked",
    async () => (await send(`${world.platforms.program.url}/sandbox/faults`)).text.includes("delay_ms") === false,
  );
  return { program, run_id };
}

async function runOf(connection: Connection, run_id: string): Promise<{ status: string; attempts: number } | undefined> {
  return withClient(
    connection,
    async (client) => (await client.query("SELECT status, attempts FROM runs WHERE run_id = $1", [run_id])).rows[0],
  );
}

/** Sends a signal and waits for the end. @returns the exit code; null when it had to be killed */
async function endWith(signal: NodeJS.Signals, program: Program): Promise<number | null> {
  process.kill(program.pid, signal);
  await until(`${signal} ends it`, async () => (await alive([program.pid])).length === 0, PATIENCE_MS).catch(() => program.kill());
  return program.stop();
}

const blocked = async (world: World) => (await world.platforms.rules()).map(({ configuration }) => configuration.value);

describe("a run at work when the process is told to stop", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("is finished first, %s", async (signal) => {
    const connection = await postgres.database();
    const world = await startWorld(connection);
    const { program, run_id } = await atWork(world, connection, 2_000);
    expect(await endWith(signal, program)).toBe(0);
    expect(await runOf(connection, run_id)).toMatchObject({ status: "succeeded" });
    expect(await blocked(world)).toEqual([IP]);
  });

  it("and takes longer than it has is given back, and finished after the next start", async () => {
    const connection = await postgres.database();
    const world = await startWorld(connection);
    const { program, run_id } = await atWork(world, connection, 30_000);
    expect(await endWith("SIGTERM", program)).toBe(0);
    expect(await runOf(connection, run_id)).toMatchObject({ status: "accepted" });
    await world.start();
    await until("the run is finished", async () => (await runOf(connection, run_id))?.status === "succeeded");
    expect(await blocked(world)).toEqual([IP]);
  });

  it("takes nothing new: a second signal changes nothing, and the port is free", async () => {
    const connection = await postgres.database();
    const world = await startWorld(connection);
    const { program, run_id } = await atWork(world, connection, 2_000);
    process.kill(program.pid, "SIGTERM");
    process.kill(program.pid, "SIGINT");
    await until("it listens no more", async () =>
      fetch(`${program.url}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    expect(await endWith("SIGTERM", program)).toBe(0);
    expect(await runOf(connection, run_id)).toMatchObject({ status: "succeeded" });
  });
});

describe("the embedded PostgreSQL ends with", () => {
  /** The server's process and its PostgreSQL's. */
  async function processesOf(pid: number, data_dir: string): Promise<number[]> {
    const postmaster = Number.parseInt(await readFile(path.join(data_dir, "postgres/data/postmaster.pid"), "utf8"), 10);
    return [...new Set([...(await treeOf(pid)), ...(await treeOf(postmaster))])];
  }

  const gone = (pids: readonly number[]) => until("all of it is gone", async () => (await alive(pids)).length === 0, PATIENCE_MS);

  it.each(["SIGTERM", "SIGKILL"] as const)("Switchboard, %s", async (signal) => {
    const DATA_DIR = path.join(await emptyFolder("/tmp"), "data");
    const program = await startProgram("bin/switchboard.js", { args: ["serve"], env: { DATA_DIR, PORT: "0" } });
    onTestFinished(() => program.kill());
    const pids = await processesOf(program.pid, DATA_DIR);
    expect(pids.length).toBeGreaterThan(3);
    process.kill(program.pid, signal);
    await gone(pids);
    expect(await program.stop()).toBe(signal === "SIGTERM" ? 0 : null);
  });

  it("the npm that started it, killed", async () => {
    const DATA_DIR = path.join(await emptyFolder("/tmp"), "data");
    const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/tmp", DATA_DIR, PORT: "0" };
    const npm = spawn("npm", ["start"], { cwd: ROOT, env, stdio: ["ignore", "pipe", "ignore"] });
    let printed = "";
    npm.stdout.setEncoding("utf8").on("data", (words: string) => (printed += words));
    let pids: number[] = [npm.pid ?? 0];
    onTestFinished(async () => {
      for (const pid of await alive(pids)) process.kill(pid, "SIGKILL");
    });
    await until("npm start listens", async () => printed.includes("listening on"));
    pids = await processesOf(npm.pid ?? 0, DATA_DIR);
    expect(pids.length).toBeGreaterThan(4);
    npm.kill("SIGKILL");
    await gone(pids);
  });
});
