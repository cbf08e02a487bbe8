import { describe, expect, it } from "vitest";
import { createCharts } from "../../../clients/chart/png.ts";
import { GROUND, SERIES_COLOURS } from "../../../clients/chart/svg.ts";
import { SERIES_MARKS } from "../../../core/chart.ts";
import { chartOf, readPicture } from "../../support/charts.ts";

const charts = createCharts();
const draw = async (...given: Parameters<typeof chartOf>) => readPicture(await charts.png(chartOf(...given)));
const [BLUE, ORANGE] = SERIES_COLOURS;
/** Rows that a blurred edge may cost. */
const EDGE = 2;

/** Holds that heights are as their values: so many pixels for each one. */
function expectHeights(heights: readonly number[], values: readonly number[]): void {
  expect(heights).toHaveLength(values.length);
  const scale = Math.max(...heights) / Math.max(...values);
  for (const [at, value] of values.entries()) expect(Math.abs((heights[at] ?? 0) - value * scale)).toBeLessThanOrEqual(EDGE);
}

describe("a picture of a chart", () => {
  it("is as large as a phone shows it sharp, on a ground of its own", async () => {
    const picture = await draw([[1, 2, 3]]);
    expect([picture.width, picture.height]).toEqual([1_280, 768]);
    expect([picture.colourAt(2, 2), picture.colourAt(1_277, 765)]).toEqual([GROUND, GROUND]);
  });

  it("has bars as high as their values, the parts upon each other; where there was nothing there is no bar", async () => {
    const { bars } = await draw([
      [10, 40, 0, 20],
      [30, 0, 0, 20],
    ]);
    expectHeights(bars(BLUE), [10, 40, 20]);
    expectHeights(bars(ORANGE), [30, 20]);
    expect(Math.abs((bars(BLUE)[2] ?? 0) - (bars(ORANGE)[1] ?? 0))).toBeLessThanOrEqual(EDGE);
  });

  it("tells eight series apart by the colours of their signs", async () => {
    const { bars } = await draw(Array.from({ length: 8 }, () => [5, 5]));
    expect(SERIES_COLOURS).toHaveLength(SERIES_MARKS.length);
    for (const colour of SERIES_COLOURS) expectHeights(bars(colour), [5, 5]);
  });

  it("shows a span that is not over pale", async () => {
    const { bars } = await draw([[10, 10, 4]], { until: "2026-11-22T09:02:20.000Z" });
    expectHeights(bars(BLUE), [10, 10]);
  });

  it("has a bar each for 125 spans, and one that is 90 wide for one", async () => {
    expect((await draw([Array.from({ length: 125 }, () => 7)])).bars(BLUE)).toHaveLength(125);
    expect((await draw([[7]])).bars(BLUE)).toHaveLength(1);
  });

  it("can be drawn of nothing, of very many, and in a zone nobody knows", async () => {
    expect((await draw([])).bars(BLUE)).toEqual([]);
    expect((await draw([[0, 0]])).bars(BLUE)).toEqual([]);
    expectHeights((await draw([[9e12, 4.5e12]], { zone: "Mars/Olympus" })).bars(BLUE), [2, 1]);
  });

  it("is drawn many times at once", async () => {
    const pictures = await Promise.all(Array.from({ length: 8 }, (_, at) => draw([[1, at + 1]])));
    for (const [at, { bars }] of pictures.entries()) expectHeights(bars(BLUE), [1, at + 1]);
  });
});
