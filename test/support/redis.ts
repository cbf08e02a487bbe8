import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import { missing } from "./missing.ts";

/** A Redis of a test file's own. */
export interface TestRedis {
  /** Whether this machine has a redis-server; for `describe.skipIf(!redis.available)`. */
  readonly available: boolean;
  /** Where it is; the same after a restart. */
  url(): string;
  /** Ends the server; what it holds is on disk. */
  stop(): Promise<void>;
  /** Starts it again on what it held. */
  restart(): Promise<void>;
  /** Makes it deaf, with its connections left standing, until `thaw`. */
  freeze(): void;
  thaw(): void;
}

const SERVER = "redis-server";
const DURABLE = ["--appendonly", "yes", "--maxmemory-policy", "noeviction"];

/**
 * Starts one redis-server for the test file that calls it and stops it at the end. By default it keeps what it is told
 * (append-only file, no eviction).
 * @param settings arguments in place of those
 */
export function useRedis(settings: readonly string[] = DURABLE): TestRedis {
  const available = hasRedis();
  let folder = "";
  let port = 0;
  let server: ChildProcess | undefined;
  const start = async () => {
    server = await startServer(["--port", String(port), "--dir", folder, ...settings]);
  };
  const stop = async () => {
    const last = server;
    server = undefined;
    if (!last || last.exitCode !== null) return;
    const exit = once(last, "exit");
    last.kill("SIGCONT");
    last.kill("SIGTERM");
    await exit;
  };
  if (available) {
    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), "switchboard-redis-"));
      port = await freePort();
      await start();
    });
    afterAll(async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    });
  }
  return {
    available,
    url: () => `redis://127.0.0.1:${port}`,
    stop,
    restart: async () => {
      await stop();
      await start();
    },
    freeze: () => void server?.kill("SIGSTOP"),
    thaw: () => void server?.kill("SIGCONT"),
  };
}

function hasRedis(): boolean {
  try {
    execFileSync(SERVER, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return missing("these tests need redis-server, which is not in the PATH");
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

async function startServer(settings: readonly string[]): Promise<ChildProcess> {
  const child = spawn(SERVER, ["--bind", "127.0.0.1", "--save", "", ...settings], { stdio: ["ignore", "pipe", "inherit"] });
  // A test process that ends early must not leave it behind.
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`redis-server ended at its start:\n${said}`)));
    child.stdout.on("data", (chunk: Buffer) => {
      said = (said + chunk).slice(-4_000);
      if (said.includes("Ready to accept connections")) resolve();
    });
  });
  return child;
}
