import { describe, expect, it } from "vitest";
import { createProtection, parseAddress, parseNetwork } from "../../core/addresses.ts";
import { OpsError } from "../../core/errors.ts";

describe("an address", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    [" 203.0.113.7\n", "203.0.113.7"],
    ["2001:DB8:0:0:0::1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["::ffff:102:304", "1.2.3.4"],
    ["203[.]0[.]113[.]7", "203.0.113.7"],
    ["203(.)0(.)113(.)7", "203.0.113.7"],
    ["203{.}0{.}113{.}7", "203.0.113.7"],
    ["203[dot]0[dot]113[DOT]7", "203.0.113.7"],
    ["203.0.113[.]7", "203.0.113.7"],
    ["2001[:]db8::1", "2001:db8::1"],
    ["2001[:]db8[::]1", "2001:db8::1"],
    ["http://203.0.113.7/", "203.0.113.7"],
    ["https://203.0.113.7:8443/login?a=1", "203.0.113.7"],
    ["hxxp://203[.]0[.]113[.]7/x", "203.0.113.7"],
    ["hxxps[://]203.0.113.7", "203.0.113.7"],
    ["http://[2001:db8::1]/", "2001:db8::1"],
    ["<http://203.0.113.7|203.0.113.7>", "203.0.113.7"],
    ["<http://203.0.113.7>", "203.0.113.7"],
    ["[203.0.113.7](http://203.0.113.7)", "203.0.113.7"],
    ["203.0.113.7.", "203.0.113.7"],
    ["203.0.113.7,", "203.0.113.7"],
    ["2001:db8::1;", "2001:db8::1"],
    ["<http://203.0.113.7|203.0.113.7>.", "203.0.113.7"],
    ["203.0.113.7/32", "203.0.113.7"],
    ["203.0.113.7/32.", "203.0.113.7"],
    ["2001:DB8::1/128", "2001:db8::1"],
    ["::ffff:1.2.3.4/128", "1.2.3.4"],
    ["http://203.0.113.7/8", "203.0.113.7"],
  ])("%s is %s", (typed, canonical) => expect(parseAddress(typed)).toBe(canonical));

  it.each([
    ...[
      "",
      "1.1",
      "1",
      "0x7f.1",
      "010.1.1.1",
      "1.1.1.01",
      "999.1.1.1",
      "1.1.1.1.1",
      "1.1.1.1 foo",
      "1.1.1.1\0",
      "1.1.1.1:80",
      "1.1.1.1/31",
      "2001:db8::1/32",
      "::ffff:1.2.3.4/32",
      "1.1.1./32",
      "1.1.1.1/",
      ".",
      "1.1.1.",
    ],
    ...[
      "fe80::1%eth0",
      "2001:db8::1::2",
      ":",
      "[203.0.113.7",
      "[2001:db8::1]:80",
      "example.com",
      "http://example.com/",
      "http://1.1/",
      "🚀",
    ],
    ...[
      "http://1.1.1.1@2.2.2.2/",
      "http://1.1.1.1.example.com/",
      "<http://203.0.113.7|198.51.100.1>",
      "[198.51.100.1](http://203.0.113.7)",
    ],
    "1".repeat(100_000),
  ])("%s is none", (typed) => expect(parseAddress(typed)).toBeNull());
});

describe("a network", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["203.0.113.7/32", "203.0.113.7"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["203.0.113.255/25", "203.0.113.128/25"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:DB8:FFFF::1/33", "2001:db8:8000::/33"],
    ["::ffff:1.2.3.4/120", "1.2.3.0/24"],
  ])("%s is %s", (typed, canonical) => expect(parseNetwork(typed)).toBe(canonical));

  it.each(["", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "2001:db8::/129", "::ffff:1.2.3.4/64", "10/8", "office"])(
    "%s is none",
    (typed) => expect(parseNetwork(typed)).toBeNull(),
  );
});

describe("protection", () => {
  const protectedBy = createProtection(["203.0.113.200", "198.51.100.0/28", "2001:db8:1::/48"]);

  it.each([
    ["10.1.2.3", "private"],
    ["172.31.255.255", "private"],
    ["192.168.0.1", "private"],
    ["100.64.0.1", "private"],
    ["169.254.169.254", "private"],
    ["fd00::1", "private"],
    ["fe80::1", "private"],
    ["127.0.0.53", "loopback"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["0.0.0.0", "reserved"],
    ["224.0.0.1", "reserved"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "reserved"],
    ["::", "reserved"],
    ["ff02::1", "reserved"],
    ["not an address", "reserved"],
    ["104.16.0.1", "cloudflare"],
    ["172.67.1.1", "cloudflare"],
    ["2606:4700::1111", "cloudflare"],
    ["203.0.113.200", "never_block"],
    ["198.51.100.15", "never_block"],
    ["2001:db8:1::5", "never_block"],
  ])("%s is %s", (ip, reason) => expect(protectedBy(ip)).toBe(reason));

  it.each(["203.0.113.7", "192.0.2.1", "198.51.100.16", "2001:db8::1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "203.0.113.0/25"])(
    "%s may be blocked",
    (ip) => expect(protectedBy(ip)).toBeNull(),
  );

  it("covers a network that holds such an address", () => {
    expect(protectedBy("0.0.0.0/0")).toBe("loopback");
    expect(protectedBy("::/0")).toBe("loopback");
    expect(protectedBy("203.0.113.0/24")).toBe("never_block");
    expect(protectedBy("11.0.0.0/7")).toBe("private");
  });

  it("refuses an entry that is no address", () => {
    expect(() => createProtection(["office"])).toThrow(OpsError);
  });
});
