import type { Emulator, EmulatorDeps } from "../emulator.ts";
import type { Rate } from "../window.ts";
import { cloudflareRoutes } from "./api.ts";
import { createBudget } from "./budget.ts";
import { cloudflarePerson } from "./person.ts";
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
  /** Each owns every zone. */
  readonly accounts: readonly string[];
  /** What Switchboard is told to work on: the zones, or the first account. */
  readonly offer: "zones" | "account";
}

/** What Switchboard may work on, as `core/edge.ts` names it. */
export type CloudflareScope = `zone:${string}` | `account:${string}`;

/** The scopes that are offered. */
export function offeredScopes({
  zones,
  accounts,
  offer,
}: Pick<CloudflareOptions, "zones" | "accounts" | "offer">): readonly CloudflareScope[] {
  return offer === "zones" ? zones.map((id) => `zone:${id}` as const) : accounts.slice(0, 1).map((id) => `account:${id}` as const);
}

/** Makes the emulator of Cloudflare's IP access rules, with the state of its log. */
export function createCloudflare(deps: EmulatorDeps, options: CloudflareOptions): Emulator {
  const { token, budget, zones, accounts, offer } = options;
  const rules = createRules();
  deps.log.replay((entry) => {
    for (const change of (entry["changes"] ?? []) as readonly Change[]) rules.apply(change);
  });
  const api = { deps, rules, budget: createBudget(budget), token, zones, accounts };
  return {
    name: "cloudflare",
    base_path: "/cloudflare/client/v4",
    environment: (baseUrl) => ({
      CLOUDFLARE_BASE_URL: baseUrl,
      CLOUDFLARE_API_TOKEN: token,
      ...(offer === "zones" ? { CLOUDFLARE_ZONE_ID: zones.join(",") } : { CLOUDFLARE_ACCOUNT_ID: accounts[0] ?? "" }),
    }),
    api: async (app) => cloudflareRoutes(app, api),
    person: async (app) => cloudflarePerson(app, api),
    log: deps.log,
    callView: ({ changes: _changes, kind: _kind, ...call }) => call,
    close: () => {},
  };
}
