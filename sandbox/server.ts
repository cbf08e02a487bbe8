import { join } from "node:path";
import { performance } from "node:perf_hooks";
import Fastify, { type FastifyInstance } from "fastify";
import { CLOUDFLARE_BUDGET } from "./cloudflare/budget.ts";
import {
  type CloudflareOptions,
  type CloudflareScope,
  createCloudflare,
  offeredScopes,
  SANDBOX_CLOUDFLARE_ACCOUNT,
  SANDBOX_CLOUDFLARE_TOKEN,
  SANDBOX_CLOUDFLARE_ZONE,
} from "./cloudflare/emulator.ts";
import type { Emulator, EmulatorDeps } from "./emulator.ts";
import { createFaults } from "./faults.ts";
import { refuseStrangers } from "./guard.ts";
import { openLog } from "./log.ts";
import { answerProblem } from "./problem.ts";
import { type SandboxState, sandboxRoutes } from "./routes.ts";
import { createTelegram, SANDBOX_TELEGRAM_TOKEN } from "./telegram/emulator.ts";
import { TELEGRAM_LIMITS, type TelegramLimits } from "./telegram/limits.ts";
import type { Rate } from "./window.ts";

/** How a sandbox is started. */
export interface SandboxOptions {
  /** The state goes to `sandbox/` below it. */
  readonly data_dir: string;
  /** A loopback address; nothing else is served. */
  readonly host?: "127.0.0.1" | "localhost" | "::1";
  /** 0 picks one. */
  readonly port: number;
  readonly telegram_limits?: TelegramLimits;
  readonly telegram_token?: string;
  readonly cloudflare_budget?: Rate;
  readonly cloudflare_token?: string;
  /** The zones and accounts that exist, 32 hex digits each. Where accounts are given and zones are not, Switchboard is offered the first account. */
  readonly cloudflare_zones?: readonly string[];
  readonly cloudflare_accounts?: readonly string[];
  /** Gets one line for each failure of the sandbox itself. */
  log?(line: string): void;
}

/** A running sandbox. */
export interface Sandbox {
  /** Without a slash at the end. */
  readonly url: string;
  /** What `sandboxRoutes` takes, to serve the person's side elsewhere too. */
  readonly state: SandboxState;
  readonly telegram: { readonly api_root: string; readonly token: string };
  readonly cloudflare: {
    readonly base_url: string;
    readonly token: string;
    /** All its zones, or its account: what a desk is to work on. */
    readonly scopes: readonly CloudflareScope[];
    /** The first zone. */
    readonly zone_id: string;
  };
  close(): Promise<void>;
}

const BODY_BYTES = 1 << 20;

function cloudflareOptions(options: SandboxOptions): CloudflareOptions {
  const { cloudflare_zones, cloudflare_accounts } = options;
  return {
    token: options.cloudflare_token ?? SANDBOX_CLOUDFLARE_TOKEN,
    budget: options.cloudflare_budget ?? CLOUDFLARE_BUDGET,
    zones: cloudflare_zones ?? [SANDBOX_CLOUDFLARE_ZONE],
    accounts: cloudflare_accounts ?? [SANDBOX_CLOUDFLARE_ACCOUNT],
    offer: cloudflare_accounts && !cloudflare_zones ? "account" : "zones",
  };
}

function createEmulators(options: SandboxOptions, faults: EmulatorDeps["faults"]): Emulator[] {
  const deps = (name: string): EmulatorDeps => ({
    log: openLog(join(options.data_dir, "sandbox", `${name}.jsonl`)),
    faults,
    now: () => Date.now(),
    ticks: () => performance.now(),
  });
  const telegram = { token: options.telegram_token ?? SANDBOX_TELEGRAM_TOKEN, limits: options.telegram_limits ?? TELEGRAM_LIMITS };
  return [createTelegram(deps("telegram"), telegram), createCloudflare(deps("cloudflare"), cloudflareOptions(options))];
}

function buildServer(state: SandboxState, log: ((line: string) => void) | undefined): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_BYTES,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 4_096, ignoreTrailingSlash: true },
  });
  app.addHook("onRequest", refuseStrangers);
  app.setErrorHandler(answerProblem);
  app.addHook("onError", async (request, _reply, error) => {
    if ((error.statusCode ?? 500) >= 500) log?.(`sandbox: ${request.method} ${request.routeOptions.url ?? "?"} failed: ${error.message}`);
  });
  app.register(sandboxRoutes(state), { prefix: "/sandbox" });
  for (const emulator of state.emulators) app.register(emulator.api, { prefix: emulator.base_path });
  return app;
}

/**
 * Starts the emulators on one loopback server, with the state they had. Throws when the port is taken or the folder cannot be written.
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const faults = createFaults();
  const emulators = createEmulators(options, faults);
  let url = "";
  const state: SandboxState = { emulators, faults, url: () => url };
  const app = buildServer(state, options.log);
  const close = async () => {
    for (const emulator of emulators) emulator.close();
    await app.close();
    for (const { log } of emulators) log.close();
  };
  try {
    url = await app.listen({ host: options.host ?? "127.0.0.1", port: options.port });
  } catch (thrown) {
    await close();
    throw thrown;
  }
  const cloudflare = cloudflareOptions(options);
  return {
    url,
    state,
    telegram: { api_root: url, token: options.telegram_token ?? SANDBOX_TELEGRAM_TOKEN },
    cloudflare: {
      base_url: `${url}/cloudflare/client/v4`,
      token: cloudflare.token,
      scopes: offeredScopes(cloudflare),
      zone_id: cloudflare.zones[0] ?? SANDBOX_CLOUDFLARE_ZONE,
    },
    close,
  };
}
