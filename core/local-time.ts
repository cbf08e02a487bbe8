/** A moment as the clock and the calendar of a zone show it. */
export interface LocalTime {
  /** Whole days since 1970. */
  readonly day: number;
  /** Minutes since midnight. */
  readonly minute: number;
  /** `11-27` */
  readonly date: string;
  /** `09:15` */
  readonly time: string;
}

/**
 * Reads the clock of a zone, at moments in milliseconds since 1970.
 * @param zone IANA time zone; one that nobody knows is UTC
 */
export function createLocalTime(zone: string): (ms: number) => LocalTime {
  const format = formatOf(zone) ?? formatOf("UTC");
  return (ms) => {
    const parts = Object.fromEntries((format?.formatToParts(ms) ?? []).map(({ type, value }) => [type, value]));
    const { year, month, day, hour, minute } = parts;
    return {
      day: Date.UTC(Number(year), Number(month) - 1, Number(day)) / 86_400_000,
      minute: Number(hour) * 60 + Number(minute),
      date: `${month}-${day}`,
      time: `${hour}:${minute}`,
    };
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  const two = "2-digit";
  const parts = { year: "numeric", month: two, day: two, hour: two, minute: two, hourCycle: "h23" } as const;
  try {
    return new Intl.DateTimeFormat("en", { ...parts, timeZone });
  } catch {
    return null;
  }
}
