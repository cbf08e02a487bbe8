import { z } from "zod";
import { parseDuration } from "../core/text/duration.ts";

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const Moment = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/** From when on: a time back from now (`24h`, `7d`), a day in UTC, or a moment (RFC 3339). */
export const since = z
  .string()
  .trim()
  .refine((typed) => parseDuration(typed) !== null || Moment.safeParse(typed).success, "text:field.since");

/** The moment that was meant, RFC 3339 UTC. */
export function sinceAt(typed: string, now: Date): string {
  const back_ms = parseDuration(typed);
  if (back_ms !== null) return new Date(Math.max(0, now.getTime() - back_ms)).toISOString();
  return new Date(DAY.test(typed) ? `${typed}T00:00:00Z` : typed).toISOString();
}
