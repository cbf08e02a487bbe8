import { createLocalTime } from "./local-time.ts";

/**
 * What is to be seen rather than read: how many there were of each kind, span by span. It is no picture, each surface shows it its own way; and plain
 * JSON. Over how words are held, as `ReplyOf` is.
 */
export interface ChartOf<T> {
  /** A bar a span, its parts upon each other. */
  readonly kind: "bars";
  /** When the first span begins, RFC 3339. */
  readonly from: string;
  /** When it was counted, RFC 3339: the last span may not be over. */
  readonly until: string;
  readonly span_s: number;
  /** At most as many as there are `SERIES_MARKS`. The values are one a span, the oldest first, and never negative. */
  readonly series: readonly { readonly name: T; readonly total: T; readonly values: readonly number[] }[];
}

/** A chart in one language, with the IANA time zone in which its times are shown. */
export type PlainChart = ChartOf<string> & { readonly zone: string };

/** Draws charts. Implemented in clients/chart.ts. */
export interface Charts {
  /** A chart as a picture (PNG). Rejects where it cannot be drawn: the answer can do without. */
  png(chart: PlainChart): Promise<Buffer>;
}

/** Signs for the series in their order. A picture has bars of these colours, so it needs no words in any language. */
export const SERIES_MARKS = ["🟦", "🟧", "🟩", "🟥", "🟪", "🟨", "🟫", "⬜"] as const;

const HEIGHTS = "▁▂▃▄▅▆▇█";
/** None is not few. */
const NONE = "·";
const DAY_MS = 86_400_000;

/** What the colours mean: a line a series, `🟦 purchase: 1,234`. */
export function toLegend({ series }: PlainChart): readonly string[] {
  return series.map(({ name, total }, at) => `${SERIES_MARKS[at] ?? ""} ${name}: ${total}`);
}

/**
 * A chart in characters, for a fixed-width font: a line a series (bars, total, name), and the time below. Each series has a scale of its own; how it
 * compares with the others its total says.
 * @param columns how wide the bars may be; where there are more spans, neighbours share a bar
 */
export function toBars(chart: PlainChart, columns: number): readonly string[] {
  const spans = chart.series[0]?.values.length ?? 0;
  if (spans === 0) return [];
  const shared = Math.ceil(spans / columns);
  const room = Math.max(...chart.series.map(({ total }) => total.length));
  const lines = chart.series.map(({ name, total, values }, at) => {
    return `${sparkline(values, shared)}  ${total.padStart(room)}  ${SERIES_MARKS[at] ?? ""} ${name}`;
  });
  return [...lines, timeLine(chart, Math.ceil(spans / shared))];
}

/** @param shared how many values share a bar; it shows their mean, because the last one may have fewer */
function sparkline(values: readonly number[], shared: number): string {
  const bars = Array.from({ length: Math.ceil(values.length / shared) }, (_, at) => mean(values.slice(at * shared, (at + 1) * shared)));
  const highest = Math.max(...bars);
  return bars.map((bar) => (bar === 0 ? NONE : HEIGHTS[Math.ceil((bar / highest) * HEIGHTS.length) - 1])).join("");
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** When the bars begin and end, below them. */
function timeLine({ from, until, zone }: PlainChart, width: number): string {
  const local = createLocalTime(zone);
  const [first, last] = [Date.parse(from), Date.parse(until)];
  const label = (ms: number) => (last - first < DAY_MS ? local(ms).time : `${local(ms).date} ${local(ms).time}`);
  return `${label(first).padEnd(Math.max(label(first).length + 1, width - label(last).length))}${label(last)}`;
}
