import { describe, expect, it } from "vitest";
import { IDENTITY_EXAMPLES, parseIdentity } from "../../core/identity.ts";

describe("a person", () => {
  it.each([
    ["telegram:1002", "telegram:1002"],
    ["Telegram:1002", "telegram:1002"],
    ["TELEGRAM:4503599627370495", "telegram:4503599627370495"],
    ["webex:Kim@Example.com", "webex:kim@example.com"],
    ["Webex:kim.lee+ops@example.co.kr", "webex:kim.lee+ops@example.co.kr"],
    ["slack:U012AB3CD", "slack:U012AB3CD"],
    ["SLACK:W1", "slack:W1"],
  ])("written %s is %s", (typed, identity) => expect(parseIdentity(typed)).toBe(identity));

  it.each([
    ...["", "kim", "1002", "@bob", "telegram", "telegram:", ":1002", "telegram:@bob", "telegram:bob", "telegram:9 9", "telegram: 9"],
    ...["telegram:-1002", "telegram:0", "telegram:007", "telegram:12345678901234567", "telegram:1002\n", "xtelegram:1002"],
    ...["webex:desk", "webex:a@b@c", "webex:@example.com", "webex:kim@", "slack:kim", "slack:u1", "slack:C1", "slack:U"],
    ...["key:ci", "local:x", "local", "whatsApp:123", "constructor:1", "toString:1", "__proto__:1", `webex:${"x".repeat(65)}@example.com`],
  ])("is none: %j", (typed) => expect(parseIdentity(typed)).toBeNull());

  it("is what the examples show", () => {
    const examples = IDENTITY_EXAMPLES.split(",");
    expect(examples.map(parseIdentity)).toEqual(examples);
  });
});
