import { describe, expect, it } from "vitest";
import { contains, prefixOf, rulePieces, rulesAround, sizeOf } from "../../core/networks.ts";

describe("the pieces of a range that rules can be made for", () => {
  it.each([
    ["203.0.113.7", ["203.0.113.7"]],
    ["203.0.113.0/24", ["203.0.113.0/24"]],
    ["203.0.0.0/16", ["203.0.0.0/16"]],
    ["203.0.112.0/23", ["203.0.112.0/24", "203.0.113.0/24"]],
    ["203.0.113.8/30", ["203.0.113.8", "203.0.113.9", "203.0.113.10", "203.0.113.11"]],
    ["255.255.255.254/31", ["255.255.255.254", "255.255.255.255"]],
    ["2001:db8::7", ["2001:db8::7"]],
    ["2001:db8::/32", ["2001:db8::/32"]],
    ["2001:db8::/48", ["2001:db8::/48"]],
    ["2001:db8::/63", ["2001:db8::/64", "2001:db8:0:1::/64"]],
    ["2001:db8:ffff:ffff:ffff:ffff:ffff:fffe/127", ["2001:db8:ffff:ffff:ffff:ffff:ffff:fffe", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"]],
  ])("%s", (network, pieces) => {
    expect(rulePieces(network)).toEqual(pieces);
  });

  it.each([
    ["10.0.0.0/8", 256],
    ["203.0.112.0/20", 16],
    ["203.0.113.0/25", 128],
    ["2001::/24", 256],
    ["2001:db8::/56", 256],
  ])("%s are %d, each once and within it", (network, count) => {
    const pieces = rulePieces(network) ?? [];
    expect(new Set(pieces).size).toBe(count);
    expect(pieces.every((piece) => contains(network, piece))).toBe(true);
    expect(pieces.reduce((sum, piece) => sum + sizeOf(piece), 0n)).toBe(sizeOf(network));
  });

  it.each(["0.0.0.0/0", "10.0.0.0/7", "::/0", "2001:db8::/65"])("%s would be too many", (network) => {
    expect(rulePieces(network)).toBeNull();
  });
});

describe("the ranges around an address", () => {
  it.each([
    ["203.0.113.7", ["203.0.0.0/16", "203.0.113.0/24", "203.0.113.7"]],
    ["203.0.113.0/24", ["203.0.0.0/16", "203.0.113.0/24"]],
    ["203.0.0.0/16", ["203.0.0.0/16"]],
    ["2001:db8:1:2::7", ["2001:db8::/32", "2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8:1:2::7"]],
  ])("%s", (network, around) => {
    expect(rulesAround(network)).toEqual(around);
  });

  it("contain it, and nothing contains what is wider or of another kind", () => {
    expect(contains("203.0.113.0/24", "203.0.113.7")).toBe(true);
    expect(contains("203.0.113.7", "203.0.113.0/24")).toBe(false);
    expect(contains("203.0.113.0/24", "203.0.114.7")).toBe(false);
    expect(contains("::/0", "203.0.113.7")).toBe(false);
    expect([prefixOf("203.0.113.7"), prefixOf("2001:db8::7"), prefixOf("203.0.113.0/24")]).toEqual([32, 128, 24]);
  });
});
