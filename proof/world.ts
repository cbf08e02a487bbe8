import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ALONE, type Fleet, SCALED, startFleet } from "./fleet.ts";
import { type Platforms, startPlatforms } from "./sandbox.ts";
import { type Servers, startServers } from "./servers.ts";

/** What Switchboard runs on: everything in one process with its own database, one process on servers, or a process for each role on servers. */
export type Backend = "embedded" | "redis" | "scaled";

/** Switchboard in processes of its own, and what it runs on. */
export interface Stage {
  readonly fleet: Fleet;
  /** Null where it has its own database. */
  readonly servers: Servers | null;
  /** The settings that all its processes have. */
  readonly env: Readonly<Record<string, string>>;
  end(): Promise<void>;
}

/** Switchboard and all that it talks to, in processes of their own. */
export interface ProofWorld {
  readonly platforms: Platforms;
  readonly fleet: Fleet;
  end(): Promise<void>;
}

/** The key of the proofs. */
export const PROOF_KEY = "the-admin-key-of-the-proof";

type Stops = (() => Promise<unknown>)[];

/** Starts a Switchboard without platforms. @param roles one process for each of them */
export function startStage(backend: Backend, roles: readonly string[]): Promise<Stage> {
  return setUp((folder, stops) => startSwitchboard({ backend, roles, env: { SANDBOX: "0" }, folder, stops }));
}

/** Starts a world. @param env settings of Switchboard; the budgets among them are the emulators' too */
export function startProofWorld(backend: Backend, env: Readonly<Record<string, string>>): Promise<ProofWorld> {
  const budgets = Object.fromEntries(Object.entries(env).filter(([name]) => ["TELEGRAM_LIMITS", "CLOUDFLARE_BUDGET"].includes(name)));
  return setUp(async (folder, stops) => {
    const platforms = await startPlatforms(path.join(folder, "platforms"), budgets);
    stops.unshift(() => platforms.program.kill());
    const roles = backend === "scaled" ? SCALED : ALONE;
    const { fleet } = await startSwitchboard({ backend, roles, env: { ...platforms.env, ...env }, folder, stops });
    return { platforms, fleet };
  });
}

/** Builds in a folder of its own. What the builder puts in front of the stops is ended by `end`, or when it throws. */
async function setUp<T>(build: (folder: string, stops: Stops) => Promise<T>): Promise<T & { end(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-proof-"));
  // An embedded database whose Switchboard was killed takes a moment to end, and writes meanwhile.
  const stops: Stops = [() => rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })];
  const end = async () => {
    for (const stop of stops) await stop();
  };
  try {
    // PostgreSQL, which does not run as root, must be able to pass through.
    await chmod(folder, 0o711);
    return { ...(await build(folder, stops)), end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

/** How a Switchboard is started. */
interface Launch {
  readonly backend: Backend;
  readonly roles: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly stops: Stops;
}

async function startSwitchboard({ backend, roles, env, folder, stops }: Launch): Promise<Omit<Stage, "end">> {
  const servers = backend === "embedded" ? null : await startServers(folder, stops);
  const own = { DATA_DIR: path.join(folder, "data"), ADMIN_API_KEY: PROOF_KEY, LOG_LEVEL: "error" };
  const all = { ...servers?.env, ...own, ...env };
  const fleet = await startFleet(roles, all);
  stops.unshift(fleet.end);
  return { fleet, servers, env: all };
}
