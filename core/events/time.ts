/** When an event was received, and from when on a client's own time is believed; in milliseconds since 1970. */
export interface ReceivedAt {
  readonly now_ms: number;
  /** Events of before are not kept; null: all are. */
  readonly oldest_ms: number | null;
  /** `now_ms` as it is stored, from `toReceivedAt`: many are received in one millisecond. */
  readonly now?: string;
}

/** The same for a moment. @param retention_days null: events are kept for ever */
export function toReceivedAt(now_ms: number, retention_days: number | null): ReceivedAt {
  return { now_ms, oldest_ms: retention_days === null ? null : now_ms - retention_days * DAY_MS, now: inMicroseconds(now_ms) };
}

const DAY_MS = 86_400_000;

/** How far a client's clock may be ahead (contract, "Dialect of the event collector"). */
const AHEAD_MS = 300_000;
/** Before it calendars differ; PostgreSQL and JavaScript agree after it. */
const EARLIEST_MS = Date.parse("0001-01-01T00:00:00Z");

const ZONE = /(Z|[+-]\d\d:?\d\d)$/i;
/** As most clients write it, on a day that every month has: there is nothing to convert and nothing more to check. */
const PLAIN = /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?Z$/;
const MICRO_DIGITS = 6;

/** Whether a time is one beyond doubt; of others the schema decides. */
export function isPlainTime(words: string): boolean {
  return PLAIN.test(words);
}

/**
 * The client's time where it can be believed, else when it was received: RFC 3339 UTC with six digits of a second. A time without a zone is UTC.
 * @param given a time that was checked
 */
export function timeOf(given: string | null | undefined, { now_ms, oldest_ms, now }: ReceivedAt): string {
  if (given == null) return now ?? inMicroseconds(now_ms);
  const ms = Date.parse(ZONE.test(given) ? given : `${given}Z`);
  const believed = ms <= now_ms + AHEAD_MS && ms >= (oldest_ms ?? EARLIEST_MS);
  if (!believed) return now ?? inMicroseconds(now_ms);
  const [, seconds, fraction = ""] = PLAIN.exec(given) ?? [];
  if (seconds !== undefined) return `${seconds}.${fraction.slice(0, MICRO_DIGITS).padEnd(MICRO_DIGITS, "0")}Z`;
  return inMicroseconds(ms, /\.(\d+)/.exec(given)?.[1]);
}

/** @param fraction digits of the second's fraction, where there are more than milliseconds say */
function inMicroseconds(ms: number, fraction = ""): string {
  return `${new Date(ms).toISOString().slice(0, -1)}${fraction.slice(3, MICRO_DIGITS).padEnd(3, "0")}Z`;
}
