import { describe, expect, it } from "vitest";
import { z } from "zod";
import { identity, network, networks } from "../../../commands/fields.ts";
import { maskSecrets, secretFields } from "../../../core/secret.ts";
import { distance, nearest } from "../../../core/text/distance.ts";
import { usageOf } from "../../../core/text/usage.ts";
import { block, grant, send, smtp } from "./sample-commands.ts";

describe("distance", () => {
  it.each([
    ["", "", 0],
    ["block", "", 5],
    ["block", "blok", 1],
    ["block", "blcok", 1],
    ["ca", "abc", 3],
    ["차단", "차담", 1],
    ["🚀a", "🚀b", 1],
  ])("%s and %s: %i", (left, right, letters) => {
    expect(distance(left, right)).toBe(letters);
    expect(distance(right, left)).toBe(letters);
  });

  it("finds the nearest word, or none", () => {
    expect(nearest("blokc", ["release", "block", "blocked"], 2)).toBe("block");
    expect(nearest("BLOK", ["block"], 1)).toBe("block");
    expect(nearest("weather", ["release", "block"], 2)).toBeUndefined();
    expect(nearest("a", ["b"], 2)).toBeUndefined();
    expect(nearest("x".repeat(1_000_000), ["block"], 2)).toBeUndefined();
  });
});

describe("usage", () => {
  it("is what a person types", () => {
    expect(usageOf(block)).toBe("cf_block <ip...> [--for <2h>] [--reason <text>] [--dry-run]");
    expect(usageOf(send)).toBe("telegram_send <chat_id> <text> [--silent]");
    expect(usageOf({ ...grant, positional: ["identity"] })).toBe("grant <identity> --role <viewer|operator|admin>");
    expect(usageOf(smtp)).toBe("smtp_set <url> [--password <secret>]");
  });
});

describe("secrets", () => {
  const input = z.object({
    user: z.string(),
    password: z.string().meta({ secret: true }).min(4).optional().default("none"),
    nested: z.object({ token: z.array(z.string().meta({ secret: true })) }).optional(),
  });

  it("are known through every wrapper, and masked", () => {
    expect(secretFields(input)).toEqual(["password", "nested"]);
    expect(maskSecrets(input, { user: "kim", password: "hunter2", nested: { token: ["t"] } })).toEqual({
      user: "kim",
      password: "***",
      nested: "***",
    });
    expect(maskSecrets(input, { user: "kim" })).toEqual({ user: "kim" });
  });
});

describe("shared fields", () => {
  it("reads one address as a list, and each address once", () => {
    expect(networks.parse("203.0.113.7")).toEqual(["203.0.113.7"]);
    expect(networks.parse(["2001:DB8::1", "203[.]0[.]113[.]7", "2001:db8:0::1"])).toEqual(["2001:db8::1", "203.0.113.7"]);
    expect(networks.parse(Array(101).fill("203.0.113.7"))).toEqual(["203.0.113.7"]);
    expect(networks.safeParse(Array.from({ length: 101 }, (_, at) => `203.0.113.${at}`)).success).toBe(false);
    expect(networks.safeParse(Array(10_001).fill("203.0.113.7")).success).toBe(false);
  });

  it("knows people by platform and id", () => {
    expect(["telegram:1002", "webex:Kim@Example.com", "slack:U1"].map((typed) => identity.parse(typed))).toEqual([
      "telegram:1002",
      "webex:kim@example.com",
      "slack:U1",
    ]);
    for (const typed of ["1002", "telegram:", "telegram:10 02", 5])
      expect(identity.safeParse(typed).error?.issues[0]?.message).toBe("text:field.identity");
  });

  it("is a string in JSON Schema and canonical when parsed", () => {
    const schema = z.toJSONSchema(z.object({ ip: network }), { io: "input" });
    expect(schema.properties?.["ip"]).toMatchObject({ type: "string", description: "IPv4 or IPv6 address or CIDR" });
    expect(z.toJSONSchema(block.input, { io: "input" }).required).toEqual(["ip"]);
    expect(network.parse(" 2001:DB8:0::1 ")).toBe("2001:db8::1");
    expect(network.parse(network.parse("203[.]0[.]113[.]7"))).toBe("203.0.113.7");
    expect(network.safeParse(5).error?.issues[0]?.message).toBe("text:cf.not_an_address");
  });
});
