import type { TelegramApi } from "../../bots/telegram/outbound.ts";
import { createCharts } from "../../clients/chart/png.ts";
import { cloudflareBudget } from "../../clients/cloudflare/budgets.ts";
import { createCloudflareEdge } from "../../clients/cloudflare/edge.ts";
import { type Config, PROCESS_ROLES } from "../../core/config.ts";
import type { SandboxConfig } from "../../core/config-platforms.ts";
import type { Edge } from "../../core/edge.ts";
import { OpsError } from "../../core/errors.ts";
import type { Channel, Ephemeral, Logger, PartState } from "../../core/ports.ts";
import { text } from "../../core/reply.ts";
import { createSandbox, type Sandbox } from "../../sandbox/server.ts";
import { toListenError } from "./listen-error.ts";
import { type WatchedEdge, watchEdge } from "./watched-edge.ts";

/** Telegram, as far as every process needs it: the client and the way out. */
export interface Telegram {
  readonly api: TelegramApi;
  readonly token: string;
  readonly channel: Channel;
}

/** The platforms outside, real or emulated. */
export interface Platforms {
  readonly sandbox: Sandbox | null;
  readonly edge: Edge;
  /** Null: off. */
  readonly telegram: Telegram | null;
  readonly cloudflare: "sandbox" | "on" | "off";
  /** How Cloudflare was when it was last asked. */
  readonly cloudflareState: () => PartState;
  close(): Promise<void>;
}

/** What the platforms are opened with. */
export interface PlatformParts {
  /** Holds the budgets that are shared by every process. */
  readonly ephemeral: Pick<Ephemeral, "reserve" | "shut">;
  readonly log: Logger;
}

/** Opens the platforms: those that are set, and in the sandbox the emulators of the others. */
export async function openPlatforms(config: Config, { ephemeral, log }: PlatformParts): Promise<Platforms> {
  const sandbox = config.sandbox ? await openSandbox(config, config.sandbox, log) : null;
  const telegram = config.telegram ?? sandbox?.telegram ?? null;
  const mode = config.cloudflare ? "on" : sandbox ? "sandbox" : "off";
  const { edge, state } = openEdge(config, sandbox, { ephemeral, log });
  return {
    sandbox,
    edge,
    telegram: telegram && (await openTelegram(config, telegram, log)),
    cloudflare: mode,
    cloudflareState: () => ({ part: "cloudflare", ...(mode !== "on" && { note: mode }), ...state() }),
    close: async () => sandbox?.close(),
  };
}

const OWN_EMULATORS =
  "this process has emulators of its own, whose rules and chats the processes with the other roles do not see: set a platform's token, or let all of them use one `npm run sandbox`";

function openEdge(config: Config, sandbox: Sandbox | null, { ephemeral, log }: PlatformParts): WatchedEdge {
  const cloudflare = config.cloudflare ?? sandbox?.cloudflare;
  if (!cloudflare) {
    log.info({ platform: "cloudflare" }, "Cloudflare is off: CLOUDFLARE_API_TOKEN is not set");
    return { edge: closedEdge(), state: () => ({ state: "ok" }) };
  }
  const { token, base_url, scopes } = cloudflare;
  const budget = cloudflareBudget(ephemeral, token, config.cloudflare_budget);
  return watchEdge(createCloudflareEdge({ token, base_url, scopes, ...budget, log }), log);
}

async function openSandbox(config: Config, { port, zones, account }: SandboxConfig, log: Logger): Promise<Sandbox> {
  const { data_dir, telegram_limits, cloudflare_budget, roles } = config;
  if (roles.length < PROCESS_ROLES.length) log.warn({ roles }, OWN_EMULATORS);
  const places = { ...(zones.length > 0 && { cloudflare_zones: zones }), ...(account !== null && { cloudflare_accounts: [account] }) };
  try {
    return await createSandbox({ data_dir, port, telegram_limits, cloudflare_budget, ...places, log: (line) => log.error({}, line) });
  } catch (thrown) {
    throw toListenError(thrown, { host: "127.0.0.1", port, variable: "SANDBOX_PORT" });
  }
}

async function openTelegram(config: Config, { token, api_root }: { token: string; api_root: string }, log: Logger): Promise<Telegram> {
  // Loaded here, so that a process without Telegram does not carry it.
  const { createTelegramApi, createTelegramChannel } = await import("../../bots/telegram/outbound.ts");
  const api = createTelegramApi({ token, api_root });
  return { api, token, channel: createTelegramChannel({ api, limits: config.telegram_limits, charts: createCharts(), log }) };
}

/** Where Cloudflare is not set up: it has no scope, and every call says so. */
function closedEdge(): Edge {
  const refuse = async () => {
    throw new OpsError("upstream_refused", "Cloudflare is not set up", { text: text("cf.off") });
  };
  return {
    scopes: [],
    lookUp: refuse,
    block: refuse,
    get: refuse,
    release: refuse,
    list: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }),
  };
}
