import { setMaxListeners } from "node:events";
import type { Config } from "../../core/config.ts";
import { ConfigError, isLoopback } from "../../core/config-fields.ts";
import type { BotAdapter, Logger } from "../../core/ports.ts";
import type { StartedIntake } from "../../jobs/intake.ts";
import { createAdapters, startBots } from "./bots.ts";
import { createDesk, type Desk } from "./desk.ts";
import { listen } from "./http.ts";
import { openPlatforms, type Platforms } from "./platforms.ts";
import { openQueues } from "./queues.ts";
import { openSecretKey } from "./secret-key.ts";
import { openStorage, type Storage } from "./storage.ts";
import { openIntake, type Part, startKeeping, startPurging, startSweeping, startWorkers } from "./work.ts";

/** A running Switchboard. */
export interface App {
  /** Where HTTP is served; null without the role `http`. */
  readonly url: string | null;
  readonly storage: Storage;
  readonly platforms: Platforms;
  /** Takes nothing more, finishes what runs, lets everything go; within 10 s (contract, "Starting"). */
  stop(): Promise<void>;
}

type Closers = (() => Promise<void>)[];

/** What runs may go on for this long after a signal; the rest of the 10 s is for letting go. */
const FINISH_MS = 8_000;
const IDLE_MS = 1_000;

/**
 * Starts the roles this process has.
 * @throws ConfigError, or OpsError `unavailable` when the database or Redis cannot be reached
 */
export async function startApp(config: Config, log: Logger): Promise<App> {
  const closers: Closers = [];
  const parts: Part[] = [];
  const opened = <T extends { close(): Promise<void> }>(part: T): T => {
    closers.unshift(part.close);
    return part;
  };
  try {
    const storage = opened(await openStorage(config, log));
    const queues = opened(await openQueues(config, storage, log));
    const platforms = opened(await openPlatforms(config, { ephemeral: queues.ephemeral, log }));
    const stopping = new AbortController();
    // Every run listens to it, and Node takes more than ten for a leak.
    setMaxListeners(0, stopping.signal);
    const adapters: BotAdapter[] = [];
    const desk = await createDesk({ config, storage, queues, platforms, adapters, log, stopping: stopping.signal });
    await refuseOpenDoor(config, desk);
    const secretKey = await openSecretKey(config);
    const intake = openIntake({ desk, log }, adapters);
    adapters.push(
      ...(await createAdapters(config, { desk, platforms, leases: storage.session, intake, log, secretKey, ephemeral: queues.ephemeral })),
    );
    const work = { desk, storage, queues, platforms, log, stopping: stopping.signal };
    const has = (role: Config["roles"][number]) => config.roles.includes(role);
    // First, because it may fail: a process whose port is in use must not begin any work.
    const http = has("http") ? await listen(config, { desk, platforms, adapters, queues, log }) : null;
    if (http) parts.push(http);
    if (has("workers")) parts.push(await startWorkers(work));
    // A process that only serves HTTP takes nothing in, unless platforms call it.
    if (config.public_url !== null || config.roles.some((role) => role !== "http"))
      parts.push(startSweeping(work, intake), startPurging(work, config));
    if (has("scheduler")) parts.push(startKeeping(work));
    parts.push(startBots(adapters, has("bots")));
    return { url: http?.url ?? null, storage, platforms, stop: () => stopAll({ parts, intake, stopping, closers }) };
  } catch (thrown) {
    await Promise.allSettled(parts.map((part) => part.stop(0)));
    for (const close of closers) await close().catch(() => undefined);
    throw thrown;
  }
}

/** Where others reach HTTP somebody must hold a key (contract, "Who may do what"); a process without that role has no door. */
async function refuseOpenDoor(config: Config, desk: Desk): Promise<void> {
  if (!config.roles.includes("http") || isLoopback(config.host)) return;
  if (config.admin_api_key !== null || (await desk.stores.keys.hasAny())) return;
  throw new ConfigError("ADMIN_API_KEY", `must be set (16 characters or more) before HOST may be ${config.host}`);
}

interface Running {
  readonly parts: readonly Part[];
  readonly intake: StartedIntake;
  readonly stopping: AbortController;
  readonly closers: Closers;
}

async function stopAll({ parts, intake, stopping, closers }: Running): Promise<void> {
  // A handler that is not through by then is told to stop; its run is given back and another process goes on with it.
  const deadline = setTimeout(() => stopping.abort(), FINISH_MS);
  await Promise.allSettled(parts.map((part) => part.stop(FINISH_MS + IDLE_MS / 2)));
  await Promise.race([intake.idle(), new Promise((resolve) => setTimeout(resolve, IDLE_MS).unref())]);
  clearTimeout(deadline);
  stopping.abort();
  for (const close of closers) await close().catch(() => undefined);
}
