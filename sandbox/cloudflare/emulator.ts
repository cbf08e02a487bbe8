import type { Emulator, EmulatorDeps } from "../emulator.ts";
import type { Rate } from "../window.ts";
import { cloudflareRoutes } from "./api.ts";
import { createBudget } from "./budget.ts";
import { type Change, createRules } from "./rules.ts";

/** The token, zone and account that exist unless the emulator is told others. */
export const SANDBOX_CLOUDFLARE_TOKEN = "sandbox-cloudflare-token-0000000000000001";
export const SANDBOX_CLOUDFLARE_ZONE = `${"0".repeat(31)}1`;
export const SANDBOX_CLOUDFLARE_ACCOUNT = `${"0".repeat(31)}a`;

/** What the emulator takes for true. */
export interface CloudflareOptions {
  readonly token: string;
  readonly budget: Rate;
  readonly zones: readonly string[];
  readonly accounts: readonly string[];
}

/** Makes the emulator of Cloudflare's IP access rules, with the state of its log. */
export function createCloudflare(deps: EmulatorDeps, { token, budget, zones, accounts }: CloudflareOptions): Emulator {
  const rules = createRules();
  deps.log.replay((entry) => {
    for (const change of (entry["changes"] ?? []) as readonly Change[]) rules.apply(change);
  });
  const api = { deps, rules, budget: createBudget(budget), token, zones, accounts };
  return {
    name: "cloudflare",
    base_path: "/cloudflare/client/v4",
    environment: (baseUrl) => ({ CLOUDFLARE_BASE_URL: baseUrl, CLOUDFLARE_API_TOKEN: token, CLOUDFLARE_ZONE_ID: zones.join(",") }),
    api: async (app) => cloudflareRoutes(app, api),
    person: async (app) => {
      app.get("/rules", async () => ({ rules: rules.all() }));
    },
    log: deps.log,
    callView: ({ changes: _changes, kind: _kind, ...call }) => call,
    close: () => {},
  };
}
