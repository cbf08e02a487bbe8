import ipaddr from "ipaddr.js";
import { z } from "zod";
import { parseNetwork } from "../../core/addresses.ts";
import type { EdgeRule, EdgeScope } from "../../core/edge.ts";

/**
 * The longest notes that are sent. Cloudflare documents no limit for those of a rule; 500 is what it takes for the comment of a list's
 * item (https://developers.cloudflare.com/waf/tools/lists/lists-api/), and what the emulator holds.
 */
const NOTES_CHARS = 500;

/** A rule as Cloudflare lists it, as far as it is read. */
export const RULE = z.object({
  id: z.string(),
  mode: z.string(),
  notes: z.string().nullish(),
  created_on: z.string().nullish(),
  configuration: z.object({ target: z.string(), value: z.string() }),
  scope: z.object({ id: z.string(), type: z.string() }).nullish().catch(undefined),
});

/** Where the path of a scope's rules begins, as the SDK takes it. */
export function pathOf(scope: EdgeScope): { readonly zone_id: string } | { readonly account_id: string } {
  const [type, id = ""] = scope.split(":");
  return type === "zone" ? { zone_id: id } : { account_id: id };
}

/** A rule of ours; null for one that is about a country or a network's number. */
export function toEdgeRule({ id, mode, notes, created_on, configuration, scope }: z.infer<typeof RULE>, asked: EdgeScope): EdgeRule | null {
  if (!configuration.target.startsWith("ip")) return null;
  const network = parseNetwork(configuration.value);
  if (network === null) return null;
  return { scope: scopeOf(scope, asked), rule_id: id, network, mode, notes: notes ?? "", created_at: created_on ?? null };
}

/**
 * The scope that a rule belongs to: a zone's list shows the account's rules too (https://github.com/cloudflare/cf-terraforming/issues/201),
 * and those can be removed from the account alone. An account is called an organization in places.
 */
function scopeOf(scope: z.infer<typeof RULE>["scope"], asked: EdgeScope): EdgeScope {
  if (scope?.type === "zone") return `zone:${scope.id}`;
  return scope?.type === "account" || scope?.type === "organization" ? `account:${scope.id}` : asked;
}

/** What a rule for a network is about, as Cloudflare writes it. */
export type Configuration =
  | { readonly target: "ip"; readonly value: string }
  | { readonly target: "ip6"; readonly value: string }
  | { readonly target: "ip_range"; readonly value: string };

/** How a network is asked for. */
export function configurationOf(network: string): Configuration {
  if (network.includes("/")) return { target: "ip_range", value: network };
  return { target: network.includes(":") ? "ip6" : "ip", value: network };
}

/** How Cloudflare keeps a network: IPv6 with all its zeros, `2001:0db8:0000:...`. */
export function storedSpelling(network: string): string {
  const [address = "", bits] = network.split("/");
  if (!address.includes(":")) return network;
  const groups = ipaddr.IPv6.parse(address).parts.map((part) => part.toString(16).padStart(4, "0"));
  return bits === undefined ? groups.join(":") : `${groups.join(":")}/${bits}`;
}

/** The notes as they are sent, and so as they come back. */
export function noteOf(notes: string): string {
  const trimmed = notes.trim();
  return trimmed.length <= NOTES_CHARS ? trimmed : [...trimmed].slice(0, NOTES_CHARS).join("").trim();
}
