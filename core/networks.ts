import ipaddr from "ipaddr.js";
import { parseNetwork } from "./addresses.ts";

/**
 * The lengths of range that one IP access rule may have; single addresses besides.
 * https://developers.cloudflare.com/waf/tools/ip-access-rules/parameters/
 */
const RULE_PREFIXES = { ipv4: [16, 24], ipv6: [32, 48, 64] } as const;
const LENGTHS = { ipv4: 32, ipv6: 128 } as const;

/** More rules than this for one CIDR are refused: a mistake more often than a wish, and a fifth of what the account may ask for in 5 minutes. */
export const MAX_PIECES = 256;

type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

function read(network: string): Network {
  const [address = "", bits] = network.split("/");
  const parsed = ipaddr.parse(address);
  return [parsed, bits === undefined ? LENGTHS[parsed.kind()] : Number(bits)];
}

/** How many bits of a canonical address or CIDR are fixed. */
export function prefixOf(network: string): number {
  return read(network)[1];
}

/** How many addresses a canonical address or CIDR holds. */
export function sizeOf(network: string): bigint {
  const [address, bits] = read(network);
  return 1n << BigInt(LENGTHS[address.kind()] - bits);
}

/** Whether a canonical address or CIDR lies within another, or is the same. */
export function contains(outer: string, inner: string): boolean {
  const [a, aBits] = read(outer);
  const [b, bBits] = read(inner);
  return a.kind() === b.kind() && aBits <= bBits && a.match(b, aBits);
}

/** The ranges, each a length that a rule may have, that contain a canonical address or CIDR, itself included where it is one; the widest first. */
export function rulesAround(network: string): readonly string[] {
  const [address, bits] = read(network);
  const lengths = [...RULE_PREFIXES[address.kind()], LENGTHS[address.kind()]].filter((length) => length <= bits);
  return lengths.map((length) => parseNetwork(`${address}/${length}`) ?? network);
}

/**
 * The fewest networks that a rule can be made for and that together are this one: a /24 is itself, a /20 sixteen of them, a /28 its sixteen
 * addresses. Null when they would be more than 256.
 */
export function rulePieces(network: string): readonly string[] | null {
  const [address, bits] = read(network);
  const kind = address.kind();
  const length = [...RULE_PREFIXES[kind], LENGTHS[kind]].find((each) => each >= bits) ?? LENGTHS[kind];
  const count = 2 ** (length - bits);
  if (count > MAX_PIECES) return null;
  return Array.from({ length: count }, (_, index) => pieceAt(address, length, BigInt(index)));
}

function pieceAt(address: ipaddr.IPv4 | ipaddr.IPv6, length: number, index: bigint): string {
  const bytes = address.toByteArray();
  const base = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const at = base + (index << BigInt(bytes.length * 8 - length));
  const shifted = bytes.map((_, position) => Number((at >> BigInt((bytes.length - 1 - position) * 8)) & 0xffn));
  const piece = ipaddr.fromByteArray(shifted);
  return length === bytes.length * 8 ? piece.toString() : `${piece}/${length}`;
}
