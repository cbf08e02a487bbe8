import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseInput } from "../../../core/text/issues.ts";
import { block, grant, keyOf, refusal, say, send, smtp } from "./sample-commands.ts";

const refused = (command: Parameters<typeof parseInput>[0], object: unknown) =>
  refusal(() => parseInput(command, object)).issues.map(({ path, message }) => [path, message]);

const sentence = (path: string, key: string, params: object) => [path, { key, params: { field: path, ...params } }];

describe("an object that is no input", () => {
  it.each([null, undefined, [], [{}], "text", 5, true])("%j", (object) => {
    expect(refused(block, object)).toEqual([["", { key: "parse.not_an_object" }]]);
  });

  it("has a field nobody knows", () => {
    expect(refused(block, { ip: "203.0.113.7", reson: "x" })).toEqual([
      sentence("reson", "parse.unknown_field_nearest", { nearest: "reason" }),
    ]);
    expect(refused(grant, { identity: "a", role: "admin", colour: 1 })).toEqual([sentence("colour", "parse.unknown_field", {})]);
  });

  it("reaches for the prototype", () => {
    const json = '{"identity":"a","role":"admin","__proto__":{"role":"admin"},"constructor":1}';
    expect(refused(grant, JSON.parse(json)).map(([path]) => path)).toEqual(["__proto__", "constructor"]);
    const nested = { input: z.object({ all: z.record(z.string(), z.unknown()) }) };
    expect(refused(nested, JSON.parse('{"all":{"x":{"__proto__":1}}}'))).toEqual([sentence("all.x.__proto__", "parse.unknown_field", {})]);
  });

  it("hides what the database cannot hold, or nests without end", () => {
    expect(refused(grant, { identity: "a\0b", role: "admin" })).toEqual([sentence("identity", "parse.control_character_in", {})]);
    expect(refused(grant, { identity: "half \uD83D", role: "admin" })).toEqual([sentence("identity", "parse.control_character_in", {})]);
    const deep = JSON.parse(`{"identity":${"[".repeat(20_000)}${"]".repeat(20_000)}}`);
    expect(refused(grant, deep).flat()).toContainEqual({ key: "parse.too_deep", params: { field: "identity" } });
  });
});

describe("a field that does not fit is named with what was expected", () => {
  it.each([
    [grant, { role: "admin" }, sentence("identity", "parse.required", {})],
    [grant, { identity: "a", role: "root" }, sentence("role", "parse.not_one_of", { options: "viewer, operator, admin" })],
    [grant, { identity: 5, role: "admin" }, sentence("identity", "parse.expected", { expected: { key: "parse.type.text" } })],
    [send, { chat_id: 1.5, text: "hi" }, sentence("chat_id", "parse.expected", { expected: { key: "parse.type.whole_number" } })],
    [send, { chat_id: 5, text: "" }, sentence("text", "parse.too_short", { min: 1 })],
    [block, { ip: "203.0.113.7", reason: "x".repeat(201) }, sentence("reason", "parse.too_long", { max: 200 })],
    [block, { ip: "203.0.113.7", for: "soon" }, sentence("for", "parse.bad_form", {})],
    [block, { ip: "203.0.113.7", dry_run: "maybe" }, sentence("dry_run", "parse.expected", { expected: { key: "parse.type.yes_or_no" } })],
    [block, {}, sentence("ip", "parse.required", {})],
    [block, { ip: [] }, sentence("ip", "parse.too_few_items", { min: 1 })],
    [
      block,
      { ip: Array.from({ length: 101 }, (_, at) => `203.0.113.${at}`) },
      sentence("ip", "parse.too_many_items", { count: 101, max: 100 }),
    ],
    [block, { ip: ["203.0.113.7", "999.1.1.1"] }, sentence("ip.1", "cf.not_an_address", { value: "999.1.1.1" })],
    [block, { ip: "1.1" }, sentence("ip", "cf.not_an_address", { value: "1.1" })],
    [smtp, { url: "mail" }, sentence("url", "parse.expected", { expected: { key: "parse.type.url" } })],
  ])("case %#", (command, object, expected) => expect(refused(command, object)).toEqual([expected]));

  it("says numbers' limits as they are meant", () => {
    const range = { input: z.object({ a: z.number().min(1).max(9), b: z.number().gt(0).lt(10) }) };
    expect(refused(range, { a: 0, b: 0 })).toEqual([
      sentence("a", "parse.too_small", { min: 1 }),
      sentence("b", "parse.not_above", { min: 0 }),
    ]);
    expect(refused(range, { a: 10, b: 10 })).toEqual([
      sentence("a", "parse.too_big", { max: 9 }),
      sentence("b", "parse.not_below", { max: 10 }),
    ]);
  });

  it("says both where two types would do", () => {
    const either = { input: z.object({ who: z.union([z.string(), z.array(z.string())]) }) };
    const expected = { key: "parse.type.either", params: { left: { key: "parse.type.text" }, right: { key: "parse.type.list" } } };
    expect(refused(either, { who: 5 })).toEqual([sentence("who", "parse.expected", { expected })]);
  });

  it("lets a rule over several fields speak for itself", () => {
    const pair = { input: z.object({ a: z.string().optional() }).refine(({ a }) => a, { error: "text:pair.needed", path: ["a"] }) };
    expect(refused(pair, {})).toEqual([sentence("a", "pair.needed", { value: "undefined" })]);
  });

  it("answers at most 20 things and speaks the first one", () => {
    const error = refusal(() => parseInput(block, { ip: Array(100).fill("x") }));
    expect(error.issues).toHaveLength(20);
    expect(error.text).toBe(error.issues[0]?.message);
  });
});

describe("a chat line with a wrong value", () => {
  it.each(["999.1.1.1", "🚀", "203.0.113.7:80", "x".repeat(4_096)])("/block %s", (line) => {
    const { text, code } = refusal(() => say(block, line));
    expect([code, keyOf(text)]).toEqual(["invalid_input", "cf.not_an_address"]);
    expect(JSON.stringify(text).length).toBeLessThan(200);
  });

  it("never repeats a secret, nor any value to the log", () => {
    const coded = { input: z.object({ pin: z.string().regex(/^\d+$/, "text:pin.digits").meta({ secret: true }) }) };
    const error = refusal(() => parseInput(coded, { pin: "hunter2" }));
    expect(error.text).toEqual({ key: "pin.digits", params: { field: "pin", value: "***" } });
    expect(JSON.stringify([error.message, error.issues])).not.toContain("hunter2");
    expect(refusal(() => say(block, "999.1.1.1")).message).toBe("invalid input: ip.0 (cf.not_an_address)");
  });
});
