const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `2h`, `1d12h`, `90 min`; the units in English as people shorten them. */
const SHORT = /^(?:\d{1,9}\s*(?:s|sec|m|min|h|d|w)\s*){1,5}$/i;
/** ISO 8601 (RFC 3339, appendix A): `PT2H`, `P1DT12H`, `P2W`. Months and years have no fixed length and are none. */
const ISO = /^P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/i;

/**
 * How long a time is that somebody wrote (`2h`, `30m`, `7d`, `1d12h`, ISO 8601 `PT2H`), in milliseconds; null when it is none.
 */
export function parseDuration(typed: string): number | null {
  const words = typed.trim();
  const iso = ISO.exec(words);
  const ms = iso ? isoMs(iso.slice(1)) : SHORT.test(words) ? shortMs(words) : 0;
  return ms > 0 ? ms : null;
}

function isoMs(parts: readonly (string | undefined)[]): number {
  return ["w", "d", "h", "m", "s"].reduce((sum, unit, at) => sum + Number(parts[at] ?? 0) * (UNIT_MS[unit] ?? 0), 0);
}

function shortMs(words: string): number {
  let sum = 0;
  for (const [, count = "0", unit = ""] of words.matchAll(/(\d+)\s*([a-z]+)/gi))
    sum += Number(count) * (UNIT_MS[unit[0]?.toLowerCase() ?? ""] ?? 0);
  return sum;
}
