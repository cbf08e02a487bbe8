import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { OpsError } from "./errors.ts";

/** Why an address may never be blocked. */
export type ProtectedBy = "private" | "loopback" | "reserved" | "cloudflare" | "never_block";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, number];

/** No address, however it is wrapped, is longer. */
const MAX_CHARS = 2_048;

const SLACK_LINK = /^<([^<>|\s]+)(?:\|([^<>|\s]+))?>$/;
const MARKDOWN_LINK = /^\[([^\s()]+)\]\(([^\s()]+)\)$/;
/** A URL whose host is an address: `http://203.0.113.7:8080/x`, `https://[2001:db8::1]/`. No user part: what stands before an `@` looks like the host and is not. */
const URL_HOST = /^[a-z]+:\/\/([\d.]+|\[[\da-f:.]+\])(?::\d{1,5})?(?:[/?#].*)?$/i;
const BRACKETED = /^\[([\da-f:.]+)\]$/i;

/** IPv4 addresses in IPv6 form (`::ffff:203.0.113.7`) begin with so many fixed bits. */
const MAPPED_BITS = 96;

/**
 * Ranges that no command may block. The documentation ranges (RFC 5737, RFC 3849) are not among them: examples and tests use them.
 * Private: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291. Reserved: RFC 6890. Cloudflare: https://www.cloudflare.com/ips/.
 */
const RANGES: readonly (readonly [ProtectedBy, string])[] = [
  ["loopback", "127.0.0.0/8 ::1/128"],
  ["private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 169.254.0.0/16 fc00::/7 fe80::/10"],
  ["reserved", "0.0.0.0/8 224.0.0.0/4 240.0.0.0/4 ::/128 ff00::/8"],
  [
    "cloudflare",
    "173.245.48.0/20 103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 141.101.64.0/18 108.162.192.0/18 190.93.240.0/20 188.114.96.0/20 " +
      "197.234.240.0/22 198.41.128.0/17 162.158.0.0/15 104.16.0.0/13 104.24.0.0/14 172.64.0.0/13 131.0.72.0/22 " +
      "2400:cb00::/32 2606:4700::/32 2803:f800::/32 2405:b500::/32 2405:8100::/32 2a06:98c0::/29 2c0f:f248::/32",
  ],
];

/**
 * The canonical form (RFC 5952) of an IPv4 or IPv6 address, or null. Takes it plain, defanged (`203[.]0[.]113[.]7`), in brackets, in
 * a URL (`hxxp://203.0.113.7/x`) and as the link a platform made of it, with a full stop, comma or semicolon after it (a phone's two spaces),
 * and as the network that holds it alone (`/32`, `/128`); refuses short (`1.1`) and octal forms, zones and ports. An IPv4 address in IPv6 form
 * becomes the IPv4 address.
 */
export function parseAddress(text: string): string | null {
  if (text.length > MAX_CHARS) return null;
  const typed = text.trim().replace(/[.,;]{1,3}$/, "");
  return (toAddress(typed) ?? alone(toNetwork(typed)))?.toString() ?? null;
}

/** The address of a network that holds no other. */
function alone(network: Network | null): Address | null {
  return network && network[1] === lengthOf(network[0]) ? network[0] : null;
}

/** The canonical form of an address or a CIDR, its host bits cleared (`10.1.2.3/8` is `10.0.0.0/8`, `/32` is the address), or null. */
export function parseNetwork(text: string): string | null {
  const network = toNetwork(text);
  if (!network) return null;
  const [address, bits] = network;
  return bits === lengthOf(address) ? address.toString() : `${address}/${bits}`;
}

/**
 * Tells why an address, or a CIDR that holds such an address, may never be blocked; null when it may. What is no address is `reserved`: it must not be blocked either.
 * @param never_block addresses and CIDRs besides those that are always protected
 * @throws OpsError `invalid_input` for an entry that is neither
 */
export function createProtection(never_block: readonly string[]): (ip: string) => ProtectedBy | null {
  const own = never_block.map((entry) => ["never_block", entry] as const);
  const ranges = [...RANGES, ...own].flatMap(([reason, list]) => list.split(" ").map((entry) => ({ reason, network: readEntry(entry) })));
  return (ip) => {
    const network = toNetwork(ip);
    if (!network) return "reserved";
    return ranges.find((range) => overlaps(range.network, network))?.reason ?? null;
  };
}

function readEntry(entry: string): Network {
  const network = toNetwork(entry);
  if (!network) throw new OpsError("invalid_input", `not an address or CIDR: ${entry}`);
  return network;
}

/** Two networks share an address when the shorter prefix is the same in both. */
function overlaps([a, aBits]: Network, [b, bBits]: Network): boolean {
  return a.kind() === b.kind() && a.match(b, Math.min(aBits, bBits));
}

function toNetwork(text: string): Network | null {
  const [, base = text, prefix] = /^(.*)\/(\d{1,3})$/.exec(text.trim()) ?? [];
  const address = toAddress(base);
  if (!address || prefix === undefined) return address && [address, lengthOf(address)];
  const mapped = address.kind() === "ipv4" && base.includes(":");
  const bits = Number(prefix) - (mapped ? MAPPED_BITS : 0);
  if (bits < 0 || bits > lengthOf(address)) return null;
  return [clearHostBits(address, bits), bits];
}

function clearHostBits(address: Address, bits: number): Address {
  return ipaddr.fromByteArray(address.toByteArray().map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - at * 8)))));
}

function lengthOf(address: Address): number {
  return address.kind() === "ipv4" ? 32 : 128;
}

function toAddress(text: string): Address | null {
  if (text.length > MAX_CHARS) return null;
  const typed = refang(text.trim());
  const link = SLACK_LINK.exec(typed) ?? MARKDOWN_LINK.exec(typed);
  if (!link) return toPlainAddress(typed);
  const [first, second] = link.slice(1).map((part) => (part === undefined ? undefined : toPlainAddress(part)));
  if (first === undefined || first === null || second === null) return null;
  // A label that shows another address than its link leads to is a trick, not an address.
  return second === undefined || second.toString() === first.toString() ? first : null;
}

function toPlainAddress(text: string): Address | null {
  const host = URL_HOST.exec(text)?.[1] ?? text;
  const bare = BRACKETED.exec(host)?.[1] ?? host;
  if (isIP(bare) === 0 || bare.includes("%")) return null;
  const address = ipaddr.parse(bare);
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** Undoes how addresses are written so that nothing makes a link of them. */
function refang(text: string): string {
  return text
    .replace(/^h(?:xx|\*\*)p/i, "http")
    .replaceAll(/\[(\.|:{1,2}|:\/\/)\]|\((\.|:{1,2}|:\/\/)\)|\{(\.|:{1,2}|:\/\/)\}/g, "$1$2$3")
    .replaceAll(/\[dot\]|\(dot\)|\{dot\}/gi, ".");
}
