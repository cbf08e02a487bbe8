import { PNG } from "pngjs";
import type { Charts, PlainChart } from "../../core/chart.ts";

/** Where no chart can be drawn: its answer goes out in words. */
export const NO_CHARTS: Charts = { png: () => Promise.reject(new Error("there is no renderer")) };

/** A chart of these series, a bar a minute up to when it was counted. */
export function chartOf(values: readonly (readonly number[])[], more: Partial<PlainChart> = {}): PlainChart {
  const spans = values[0]?.length ?? 0;
  const series = values.map((each, at) => ({ name: `kind-${at}`, total: String(each.reduce((sum, one) => sum + one, 0)), values: each }));
  const from = "2026-11-22T09:00:00.000Z";
  const until = new Date(Date.parse(from) + spans * 60_000).toISOString();
  return { kind: "bars", from, until, span_s: 60, zone: "UTC", series, ...more };
}

/** A picture to look at. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  colourAt(x: number, y: number): string;
  /** From left to right the bars with a part of this colour: how high that part is, in pixels. */
  bars(colour: string): readonly number[];
}

/** Decodes a PNG. */
export function readPicture(png: Buffer): Picture {
  const { width, height, data } = PNG.sync.read(png);
  const colourAt = (x: number, y: number) => `#${data.toString("hex", (y * width + x) * 4, (y * width + x) * 4 + 3).toUpperCase()}`;
  const bars = (colour: string) => {
    const wanted = Number.parseInt(colour.slice(1), 16);
    const heights = Array.from({ length: width }, () => 0);
    for (let at = 0; at < width * height; at++)
      if (data.readUInt32BE(at * 4) >>> 8 === wanted) heights[at % width] = (heights[at % width] ?? 0) + 1;
    const runs = heights.join(",").split(/(?:^|,)0(?=,|$)/);
    // The edges of a bar are blurred, so its highest column counts.
    return runs.flatMap((run) => (/\d/.test(run) ? [Math.max(...run.split(",").filter(Boolean).map(Number))] : []));
  };
  return { width, height, colourAt, bars };
}
