import { describe, expect, it } from "vitest";
import { type Token, tokenise } from "../../../core/text/tokenise.ts";
import { keyOf, refusal } from "./sample-commands.ts";

const short = (token: Token): string => {
  if (token.kind === "value") return token.quoted ? `"${token.value}"` : token.value;
  return token.value ? `[${token.name}=${short(token.value)}]` : `[${token.name}]`;
};

const words = (line: string): string[] => tokenise(line).map(short);

describe("the words of a line", () => {
  it.each([
    ["block ::1 a:b 2001:db8::/32", ["block", "::1", "a:b", "2001:db8::/32"]],
    ["see https://example.com/x?a=1&b=--c#d", ["see", "https://example.com/x?a=1&b=--c#d"]],
    ["🚀 👨‍👩‍👧 차단", ["🚀", "👨‍👩‍👧", "차단"]],
    ["send -12345678 -", ["send", "-12345678", "-"]],
    ["a\n  b\tc ", ["a", "b", "c"]],
    ["", []],
  ])("%s", (line, expected) => expect(words(line)).toEqual(expected));

  it.each([
    ["--for 2h --dry-run", ["[for]", "2h", "[dry-run]"]],
    ['--for=2h --reason="a b"', ["[for=2h]", '[reason="a b"]']],
    ["--for= 2h", ["[for]", "2h"]],
    ["\"--for\" '--x'", ['"--for"', '"--x"']],
    ["--a -- --b --", ["[a]", "--b", "--"]],
    ["--5 ---x", ["--5", "---x"]],
  ])("flags: %s", (line, expected) => expect(words(line)).toEqual(expected));

  it.each([
    ['"brute force" \'two words\' ""', ['"brute force"', '"two words"', '""']],
    [String.raw`"say \"hi\" to C:\temp \\"`, [String.raw`"say "hi" to C:\temp \"`]],
    ["'don't do it' it's", ['"don\'t do it"', "it's"]],
    ['"a\nb"', ['"a\nb"']],
    ['5" disk', ['5"', "disk"]],
  ])("quotes: %s", (line, expected) => expect(words(line)).toEqual(expected));

  it.each(['--reason "brute force', "--reason 'brute force", '--reason="brute', String.raw`"a\"`])("refuses %s", (line) => {
    const error = refusal(() => tokenise(line));
    expect(error.code).toBe("invalid_input");
    expect(keyOf(error.text)).toBe("parse.unclosed_quote");
  });
});
