import { describe, expect, it } from "vitest";
import { toBars, toLegend } from "../../core/chart.ts";
import { plain, type Reply, raw, text } from "../../core/reply.ts";
import { chartOf } from "../support/charts.ts";
import { loadTexts } from "../support/test-desk.ts";

describe("a chart in characters", () => {
  it("has a line a series on its own scale, none is not few, and the time below", () => {
    expect(
      toBars(
        chartOf(
          [
            [0, 1, 50, 100, 0],
            [1, 1, 1, 1, 2],
          ],
          { zone: "Asia/Seoul" },
        ),
        50,
      ),
    ).toEqual([...["·▁▄█·  151  🟦 kind-0", "▄▄▄▄█    6  🟧 kind-1", "18:00 18:05"]]);
  });

  it("lets neighbours share a bar where there are more than columns; the last bar may have fewer", () => {
    const [line = ""] = toBars(chartOf([[2, 2, 2, 2, 2]]), 3);
    expect(line).toMatch(/^███ {2}10/);
    for (const spans of [1, 49, 50, 51, 124]) {
      const [bars = "", time = ""] = toBars(chartOf([Array.from({ length: spans }, () => 1)], { zone: "Mars/Olympus" }), 50);
      expect(bars.indexOf(" ")).toBeLessThanOrEqual(50);
      expect(time).toMatch(/^09:00 +\d\d:\d\d$/);
    }
  });

  it("says the dates where it is a day or longer", () => {
    const from = "2026-11-20T23:30:00Z";
    expect(toBars(chartOf([[1, 2]], { from, until: "2026-11-22T09:00:00Z", zone: "Asia/Seoul" }), 50).at(-1)).toBe(
      "11-21 08:30 11-22 18:00",
    );
  });

  it("is nothing where there is nothing", () => {
    expect([toBars(chartOf([]), 50), toLegend(chartOf([]))]).toEqual([[], []]);
  });
});

it("a chart is said in the reader's language and zone, and is stored as it was", () => {
  const series = [{ name: text("event_stats.other"), total: text("amount", { amount: { amount: 1_234_567 } }), values: [1] }];
  const { zone: _, ...chart } = chartOf([[1]]);
  const reply: Reply = { tone: "info", title: raw("x"), chart: { ...chart, series } };
  const said = plain(JSON.parse(JSON.stringify(reply)), loadTexts(), "en", "Asia/Seoul");
  expect(said.chart).toEqual({ ...chart, zone: "Asia/Seoul", series: [{ name: "other kinds", total: "1,234,567", values: [1] }] });
  expect(said.chart && toLegend(said.chart)).toEqual(["🟦 other kinds: 1,234,567"]);
});
