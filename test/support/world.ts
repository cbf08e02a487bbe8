import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { Connection } from "../../clients/postgres/pool.ts";
import { type Program, startProgram } from "../../proof/process.ts";
import { type Platforms, startPlatforms } from "../../proof/sandbox.ts";

/** Real processes: the emulated platforms, and Switchboard as often as it is started. */
export interface World {
  readonly folder: string;
  readonly platforms: Platforms;
  /** Starts Switchboard on the same settings. It is killed when the test ends. */
  start(env?: Readonly<Record<string, string>>): Promise<Program>;
}

/** The key with which tests ask over REST. */
export const ADMIN_KEY = "an-admin-key-for-tests";

/**
 * The platforms in a process of their own, and Switchboard on this database (none: the embedded one).
 * @param env more settings of Switchboard, and budgets of the emulators
 */
export async function startWorld(connection: Connection | null, env: Readonly<Record<string, string>> = {}): Promise<World> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchboard-world-"));
  const platforms = await startPlatforms(path.join(folder, "platforms"), budgets(env));
  onTestFinished(async () => {
    await platforms.program.kill();
    await rm(folder, { recursive: true, force: true });
  });
  const settings = {
    ...platforms.env,
    ...(connection !== null && { DATABASE_URL: toUrl(connection), SECRET_KEY: "0".repeat(64) }),
    ...{ DATA_DIR: path.join(folder, "data"), PORT: "0", ADMIN_API_KEY: ADMIN_KEY, LOG_LEVEL: "warn" },
    ...{ ADMINS: "telegram:1001", OPERATORS: "telegram:1002", VIEWERS: "telegram:1003" },
    ...env,
  };
  return {
    folder,
    platforms,
    async start(more = {}) {
      const program = await startProgram("bin/switchboard.js", { args: ["serve"], env: { ...settings, ...more } });
      onTestFinished(() => program.kill());
      return program;
    },
  };
}

function budgets(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => ["TELEGRAM_LIMITS", "CLOUDFLARE_BUDGET"].includes(name)));
}

/** A connection as a URL, for DATABASE_URL. */
export function toUrl(connection: Connection): string {
  if (typeof connection === "string") return connection;
  const { host, port, user, database } = connection;
  return `postgresql://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
}
