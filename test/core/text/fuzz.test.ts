import { describe, expect, it } from "vitest";
import { parseAddress, parseNetwork } from "../../../core/addresses.ts";
import { OpsError } from "../../../core/errors.ts";
import { normalise } from "../../../core/text/normalise.ts";
import { block, grant, say, send, smtp } from "./sample-commands.ts";

const SEED = 20_261_122;
const LINES = 2_000;

/** Pieces that have broken parsers: quotes of all kinds, dashes, links, escapes, joiners, addresses, flags. */
const PIECES = [
  ..."\"'“”„‟«»‘’‚‹›′″「」\\-–—−= \n\t,|<>[]()/:.*%",
  ...["\u00A0", "\u200B", "\u200D", "\u202E", "👨", "👩\uFE0F", "차", "e\u0301", "ａ", "１", "\0", "\uD83D", "\u2028"],
  ...["--", "--for", "—for", "--ip=", "--no-", "--dry-run", "--__proto__", "--constructor", "2h", "-12345678", "a", "b’c", "don't"],
  ...["203.0.113.7", "203[.]0[.]113[.]7", "::1", "::ffff:1.2.3.4", "2001:db8::/32", "/33", "1.1", "010.1.1.1", "fe80::1%eth0"],
  ...["<http://a|a>", "[a](http://a)", "<http://203.0.113.7|203.0.113.7>", "http://203.0.113.7:80/x", "hxxp://", "mailto:", "<mailto:a@b>"],
];

/** Numbers below 2^32 that are the same on every run (mulberry32). */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    yield (mixed ^ (mixed >>> 14)) >>> 0;
  }
}

function* lines(): Generator<string> {
  const next = numbers(SEED);
  for (let line = 0; line < LINES; line++) {
    const pieces = next.next().value % 24;
    yield Array.from({ length: pieces }, () => PIECES[next.next().value % PIECES.length]).join("");
  }
}

function orRefused<T>(line: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof OpsError && thrown.code === "invalid_input") return undefined;
    throw new Error(`threw for ${JSON.stringify(line)}`, { cause: thrown });
  }
}

describe("whatever is typed", () => {
  it("is normalised once and for all, or refused", () => {
    for (const line of lines()) {
      const once = orRefused(line, () => normalise(line));
      if (once !== undefined) expect(normalise(once), JSON.stringify(line)).toBe(once);
    }
  });

  it("is parsed or refused with a sentence", () => {
    for (const line of lines()) for (const command of [block, grant, send, smtp]) orRefused(line, () => say(command, line));
  });

  it("is a canonical address or none", () => {
    for (const line of lines()) {
      const address = parseAddress(line);
      const network = parseNetwork(line);
      if (address !== null) expect(parseAddress(address)).toBe(address);
      if (network !== null) expect(parseNetwork(network)).toBe(network);
    }
  });

  it("is read to its end where it was made to be slow", () => {
    for (const piece of ['“a" ', "<http://a|b", "[a](http://", "<<http://a>>", "'a ", "—", '\\"', "--a=“"]) {
      const line = piece.repeat(Math.floor(16_000 / piece.length));
      for (const command of [block, send]) orRefused(line, () => say(command, line));
    }
  });
});
