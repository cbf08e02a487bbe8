import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ALONE, type Fleet, SCALED, startFleet } from "./fleet.ts";
import { type Platforms, startPlatforms } from "./sandbox.ts";
import { startServers } from "./servers.ts";

/** What Switchboard runs on: everything in one process with its own database, one process on servers, or a process for each role on servers. */
export type Backend = "embedded" | "redis" | "scaled";

/** Switchboard and all that it talks to, in processes of their own. */
export interface ProofWorld {
  readonly platforms: Platforms;
  readonly fleet: Fleet;
  end(): Promise<void>;
}

/** The key of the proofs. */
export const PROOF_KEY = "the-admin-key-of-the-proof";

/** Starts a world. @param env settings of Switchboard; the budgets among them are the emulators' too */
export async function startProofWorld(backend: Backend, env: Readonly<Record<string, string>>): Promise<ProofWorld> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-proof-"));
  // An embedded database whose Switchboard was killed takes a moment to end, and writes meanwhile.
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })];
  const end = async () => {
    for (const stop of stops) await stop();
  };
  try {
    // PostgreSQL, which does not run as root, must be able to pass through.
    await chmod(folder, 0o711);
    const budgets = Object.fromEntries(Object.entries(env).filter(([name]) => ["TELEGRAM_LIMITS", "CLOUDFLARE_BUDGET"].includes(name)));
    const platforms = await startPlatforms(path.join(folder, "platforms"), budgets);
    stops.unshift(() => platforms.program.kill());
    const storage = backend === "embedded" ? {} : await startServers(folder, stops);
    const own = { DATA_DIR: path.join(folder, "data"), ADMIN_API_KEY: PROOF_KEY, LOG_LEVEL: "error" };
    const fleet = await startFleet(backend === "scaled" ? SCALED : ALONE, { ...platforms.env, ...storage, ...own, ...env });
    stops.unshift(fleet.end);
    return { platforms, fleet, end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}
