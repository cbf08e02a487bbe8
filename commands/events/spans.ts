/** Spans that people think in, in seconds: 1, 2, 5, 10, 15, 30 minutes, 1, 2, 3, 6 hours. */
const LENGTHS_S = [60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600] as const;
/** More bars than this nobody tells apart on a phone; 31 days by 6 hours are 124. */
const MOST = 124;

/** A time cut into equal spans. */
export interface Spans {
  /** When the first begins: at or before what was asked for, RFC 3339. */
  readonly since: string;
  readonly from_ms: number;
  /** When the last ends, or what the time is where it is not over, RFC 3339. */
  readonly until: string;
  readonly span_s: number;
  /** How many there are. */
  readonly spans: number;
}

/** Cuts the time from `from` to now into minutes, or into longer spans where those were too many. They begin at multiples of their length since 1970. */
export function spansOf(from: Date, now: Date): Spans {
  const asked_s = (now.getTime() - from.getTime()) / 1_000;
  const span_s = LENGTHS_S.find((length) => asked_s / length <= MOST) ?? 21_600;
  const span_ms = span_s * 1_000;
  const from_ms = Math.floor(from.getTime() / span_ms) * span_ms;
  const spans = Math.max(1, Math.ceil((now.getTime() - from_ms) / span_ms));
  return { since: new Date(from_ms).toISOString(), from_ms, until: now.toISOString(), span_s, spans };
}
