import { describe, expect, it } from "vitest";
import { compact, timeTicks, valueTicks } from "../../../clients/chart/axes.ts";
import { drawWords, widthOf } from "../../../clients/chart/glyphs.ts";
import { toSvg } from "../../../clients/chart/svg.ts";
import { chartOf } from "../../support/charts.ts";

describe("the axis of numbers", () => {
  it.each([
    [1, ["0", "1"]],
    [3, ["0", "1", "2", "3"]],
    [7, ["0", "2", "4", "6", "8"]],
    [181, ["0", "50", "100", "150", "200"]],
    [1_200, ["0", "500", "1k", "1.5k"]],
    [77_400, ["0", "20k", "40k", "60k", "80k"]],
    [3_100_000, ["0", "1M", "2M", "3M", "4M"]],
  ])("up to %i has round marks", (highest, labels) => {
    expect(valueTicks(highest).map(({ label }) => label)).toEqual(labels);
    expect(valueTicks(highest).at(-1)?.value).toBeGreaterThanOrEqual(highest);
  });

  it.each([
    [999, "999"],
    [1_234, "1.2k"],
    [99_949, "99.9k"],
    [999_949, "1000k"],
    [999_950, "1M"],
    [12_345_678, "12.3M"],
  ])("says %i as %s", (value, words) => {
    expect(compact(value)).toBe(words);
  });
});

describe("the axis of time", () => {
  const ticks = (spans: number, span_s: number, more: object) =>
    timeTicks(chartOf([Array.from({ length: spans }, () => 1)], { span_s, ...more })).map(({ label }) => label);

  it("has round times of the zone", () => {
    expect(ticks(61, 60, { from: "2026-11-22T09:07:00Z" })).toEqual(["09:10", "09:20", "09:30", "09:40", "09:50", "10:00"]);
    expect(ticks(61, 60, { from: "2026-11-22T09:07:00Z", zone: "Asia/Kathmandu" })[0]).toBe("15:00");
    expect(ticks(97, 900, { from: "2026-11-22T09:00:00Z", zone: "Asia/Seoul" })).toEqual([
      ...["18:00", "21:00", "11-23", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00"],
    ]);
  });

  it("has dates where there are days, also where a clock is put back", () => {
    expect(ticks(29, 21_600, { from: "2026-10-23T00:00:00Z", zone: "Europe/Berlin" })).toEqual([
      ...["10-24", "10-25", "10-26", "10-27", "10-28", "10-29", "10-30"],
    ]);
    expect(ticks(124, 21_600, { from: "2026-10-27T00:00:00Z", zone: "Europe/Moscow" }).every((label) => /^1[01]-\d\d$/.test(label))).toBe(
      true,
    );
  });
});

describe("what is drawn", () => {
  it("has no word of anybody and no broken number in it", () => {
    const svg = toSvg(chartOf([[1, 0, 9e15], []], { series: [{ name: "<script>", total: "&", values: [1, 0, 9e15] }] }));
    expect(svg).not.toMatch(/script|&|NaN|undefined|Infinity/);
  });

  it("words of known signs alone", () => {
    const at = { x: 0, y: 0, anchor: "end", size: 16, colour: "#fff" } as const;
    expect(drawWords("1x2", at)).toBe(drawWords("12", at));
    expect(widthOf("12", 32)).toBeCloseTo(2 * widthOf("12", 16));
  });
});
