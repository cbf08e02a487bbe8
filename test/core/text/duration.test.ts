import { describe, expect, it } from "vitest";
import { toCsv } from "../../../core/text/csv.ts";
import { parseDuration } from "../../../core/text/duration.ts";

const HOUR = 3_600_000;

describe("a length of time", () => {
  it.each([
    ["2h", 2 * HOUR],
    ["30m", HOUR / 2],
    ["90 min", 1.5 * HOUR],
    ["7d", 168 * HOUR],
    ["2w", 336 * HOUR],
    ["1d12h", 36 * HOUR],
    ["45s", 45_000],
    [" 2H ", 2 * HOUR],
    ["PT2H", 2 * HOUR],
    ["P1DT12H", 36 * HOUR],
    ["P2W", 336 * HOUR],
    ["pt90m", 1.5 * HOUR],
  ])("%s", (typed, ms) => {
    expect(parseDuration(typed)).toBe(ms);
  });

  it.each(["", "2", "h", "2 hours", "-2h", "2.5h", "0h", "P", "PT", "P1M", "P1Y", "1mo", "2h;", "2h 3", "9999999999h", "PT2H30"])(
    "%j is none",
    (typed) => {
      expect(parseDuration(typed)).toBeNull();
    },
  );
});

describe("a table as CSV", () => {
  it("quotes what must be quoted, and lets nothing be a formula", () => {
    const rows = [
      ["a", 1, null],
      ["b,c", 'd"e', "f\r\ng"],
      ["=1+1", "@x", "-2"],
    ];
    expect(toCsv(rows)).toBe('a,1,\r\n"b,c","d""e","f\r\ng"\r\n\'=1+1,\'@x,\'-2\r\n');
  });
});
