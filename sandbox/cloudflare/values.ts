import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

/** What a rule may be about. */
export const TARGETS = ["ip", "ip6", "ip_range", "asn", "country"] as const;
/** What a rule may do. */
export const MODES = ["block", "challenge", "js_challenge", "managed_challenge", "whitelist"] as const;

/** What a rule is about, in the form that Cloudflare keeps. */
export interface Configuration {
  readonly target: (typeof TARGETS)[number];
  readonly value: string;
}

/** https://developers.cloudflare.com/waf/tools/ip-access-rules/parameters/ */
const PREFIXES = { ipv4: [16, 24], ipv6: [32, 48, 64] } as const;

/** Eight full groups: 2001:0db8:0000:0000:0000:0000:0000:0001. */
const fullIPv6 = (address: string) =>
  ipaddr.IPv6.parse(address)
    .parts.map((part) => part.toString(16).padStart(4, "0"))
    .join(":");

const isPlainIPv6 = (address: string) => isIPv6(address) && !address.includes("%");

function canonicalRange(value: string): string | undefined {
  const [, address = "", prefix = ""] = /^([^/]+)\/([1-9]\d{0,2})$/.exec(value) ?? [];
  const length = Number(prefix);
  if (isIPv4(address) && PREFIXES.ipv4.some((allowed) => allowed === length)) {
    const network = ipaddr.IPv4.networkAddressFromCIDR(value).toString();
    return network === address ? value : undefined;
  }
  if (!isPlainIPv6(address) || !PREFIXES.ipv6.some((allowed) => allowed === length)) return undefined;
  const network = fullIPv6(ipaddr.IPv6.networkAddressFromCIDR(value).toString());
  return network === fullIPv6(address) ? `${network}/${prefix}` : undefined;
}

const CANONICAL: Readonly<Record<Configuration["target"], (value: string) => string | undefined>> = {
  ip: (value) => (isIPv4(value) ? value : undefined),
  ip6: (value) => (isPlainIPv6(value) ? fullIPv6(value) : undefined),
  ip_range: canonicalRange,
  asn: (value) => (/^AS[1-9]\d{0,9}$/i.test(value) ? value.toUpperCase() : undefined),
  country: (value) => (/^([A-Z]{2}|T1)$/i.test(value) ? value.toUpperCase() : undefined),
};

const word = (value: unknown) => (typeof value === "string" ? value : "");

/** Checks what a rule is about: its canonical form, or the reason why not. */
export function readConfiguration(input: unknown): Configuration | string {
  const { target, value } = (input !== null && typeof input === "object" ? input : {}) as Readonly<Record<string, unknown>>;
  const known = TARGETS.find((one) => one === target);
  if (!known) return `unsupported target received: ${word(target)}`;
  const canonical = CANONICAL[known](word(value));
  return canonical === undefined ? `invalid ${known.startsWith("ip") ? "ip" : known} provided` : { target: known, value: canonical };
}

/** Checks what a rule does; undefined when it is not a mode. */
export function readMode(input: unknown): (typeof MODES)[number] | undefined {
  return MODES.find((mode) => mode === input);
}
