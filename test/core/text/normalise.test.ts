import { describe, expect, it } from "vitest";
import { MAX_LINE_CHARS, normalise } from "../../../core/text/normalise.ts";
import { keyOf, refusal } from "./sample-commands.ts";

const CHARACTERS: readonly [string, string, string][] = [
  ["full-width characters", "／ｂｌｏｃｋ　２０３．０．１１３．７", "/block 203.0.113.7"],
  ["zero-width characters", "/bl\u200Bock 203\u2060.0.113.7\uFEFF", "/block 203.0.113.7"],
  ["bidirectional controls", "\u202E/block\u202C \u2066203.0.113.7\u2069", "/block 203.0.113.7"],
  ["non-breaking and exotic spaces", "/block\u00A0203.0.113.7\u2003--for\u202F2h", "/block 203.0.113.7 --for 2h"],
  ["line breaks", "/block\r\n203.0.113.7\u20282.2.2.2", "/block\n203.0.113.7\n2.2.2.2"],
  ["letters in pieces, as a Mac writes them", "차단".normalize("NFD"), "차단"],
  ["joined emoji stay whole", "👨\u200D👩\u200D👧 ❤\uFE0F\u200D🔥 🇰🇷", "👨\u200D👩\u200D👧 ❤\uFE0F\u200D🔥 🇰🇷"],
];

const QUOTES: readonly [string, string, string][] = [
  ["curly", "--reason “brute force”", '--reason "brute force"'],
  ["low", "--reason „brute force“", '--reason "brute force"'],
  ["angle", "--reason «перебор паролей»", '--reason "перебор паролей"'],
  ["corner", "--reason 「無差別 代入」", '--reason "無差別 代入"'],
  ["primes", "--reason ″brute force″", '--reason "brute force"'],
  ["full-width", "--reason ＂brute force＂", '--reason "brute force"'],
  ["single curly", "--reason ‘brute force’", '--reason "brute force"'],
  ["after an equals sign", "--reason=“brute force”", '--reason="brute force"'],
  ["mixed by a phone", '--reason "brute force”', '--reason "brute force"'],
  ["straight ones within curly ones", '“he said "hi" now”', String.raw`"he said \"hi\" now"`],
  ["a backslash before the end", String.raw`“C:\temp\”`, String.raw`"C:\temp\\"`],
  ["an apostrophe in a word", "don’t block", "don't block"],
  ["an apostrophe within quotes", "‘don’t do it’", '"don’t do it"'],
  ["no quote at all", "a 5″ disk", "a 5″ disk"],
];

const DASHES: readonly [string, string, string][] = [
  ["em dash", "—for 2h", "--for 2h"],
  ["en dash", "–for 2h", "--for 2h"],
  ["minus sign", "−for 2h", "--for 2h"],
  ["half repaired", "-—for 2h", "--for 2h"],
  ["minus before a number", "−12345678", "-12345678"],
  ["a dash between words", "2차 — 대입", "2차 — 대입"],
  ["a dash within quotes", "—reason “무차별 대입 — 2차 —for”", '--reason "무차별 대입 — 2차 —for"'],
];

const LINKS: readonly [string, string, string][] = [
  ["Slack's link", "block <http://203.0.113.7|203.0.113.7>", "block 203.0.113.7"],
  ["Slack's mail link", "<mailto:kim@example.com|kim@example.com>", "kim@example.com"],
  ["a link without label", "<https://example.com/a?b=c>", "https://example.com/a?b=c"],
  ["Webex's link", "block [203.0.113.7](http://203.0.113.7)", "block 203.0.113.7"],
  ["a link that says something else", "[198.51.100.1](http://203.0.113.7)", "[198.51.100.1](http://203.0.113.7)"],
  ["a plain URL", "https://example.com/x?y=1#z", "https://example.com/x?y=1#z"],
];

describe("a line as it was meant", () => {
  it.each([...CHARACTERS, ...QUOTES, ...DASHES, ...LINKS])("%s", (_what, typed, meant) => {
    expect(normalise(typed)).toBe(meant);
    expect(normalise(meant)).toBe(meant);
  });

  it("keeps 4,096 characters as they are", () => {
    const long = "가나다라 ".repeat(820).trim();
    expect(normalise(long)).toBe(long);
  });

  it.each(["/block 203.0.113.7\0", "a\u0007b", "a\u0085b", "a\u001Bb", "half \uD83D of an emoji"])(
    "refuses control characters in %j",
    (line) => {
      const error = refusal(() => normalise(line));
      expect(error.code).toBe("invalid_input");
      expect(keyOf(error.text)).toBe("parse.control_character");
    },
  );

  it("refuses a line that nobody types", () => {
    expect(keyOf(refusal(() => normalise("a".repeat(MAX_LINE_CHARS + 1))).text)).toBe("parse.line_too_long");
  });
});
