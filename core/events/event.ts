import { z } from "zod";
import type { Issue } from "../errors.ts";
import { text } from "../reply.ts";
import { hasControlCharacter } from "../text/characters.ts";
import { toIssues } from "../text/sentence.ts";

/** What happened, as it is queued and stored. Ids are words of up to 255 characters. */
export interface CollectedEvent {
  readonly event_id: string;
  readonly event: string;
  readonly user_id: string;
  /** RFC 3339 UTC with six digits of a second: `2026-11-22T00:16:43.306000Z`. */
  readonly event_datetime: string;
  readonly parameters: EventParameters | null;
}

/** What was bought or sold. */
export interface EventParameters {
  readonly order_id: string;
  readonly currency: string;
  /** A decimal of up to 14 digits before the point; it is stored with four after it. */
  readonly price: number | string;
}

/** The longest word, in characters: the columns of the collector that is replaced (`varchar(255)`). */
export const WORD_CHARS = 255;
/** Prices are `numeric(18,4)`; what would be rounded up to one digit more is none. */
const PRICE_LIMIT = 1e14;
const PRICE = /^[+-]?(?!9{14}\.9{4}[5-9])\d{1,14}(\.\d{1,40})?$/;
/** How far a client's clock may be ahead (contract, "Dialect of the event collector"). */
const AHEAD_MS = 300_000;
/** Before it calendars differ; PostgreSQL and JavaScript agree after it. */
const EARLIEST_MS = Date.parse("0001-01-01T00:00:00Z");

/** A word of an event: its id, kind, whom it is about. */
export const word = z
  .string()
  .min(1)
  .max(WORD_CHARS)
  .refine((words) => !hasControlCharacter(words), "text:events.control_character");

/** Numbers given for ids become strings; one that JSON could not carry exactly would be another id than was meant. */
const id = z.preprocess((given) => (Number.isSafeInteger(given) ? String(given) : given), word).meta({ type: ["string", "integer"] });

const price = z.union([z.number().gt(-PRICE_LIMIT).lt(PRICE_LIMIT), z.string().regex(PRICE, "text:events.price")]);

/** An event as clients send it. What else is there is no concern of ours: the collector that is replaced did not mind it. */
export const EventInput = z.object({
  event_id: id.describe("Names the event; one that is sent again is stored once"),
  event: word.describe("What happened, e.g. purchase"),
  user_id: id.describe("Whom it is about"),
  event_datetime: z.iso
    .datetime({ offset: true, local: true })
    .nullish()
    .describe("When it happened; by default, and where it is too old or more than 5 minutes ahead, when it was received"),
  parameters: z
    .object({ order_id: id, currency: word, price: price.meta({ description: "Up to 14 digits before the point; rounded to 4 after it" }) })
    .nullish()
    .describe("What was bought"),
});

/** From when on a client's own time is believed, and what the time is; both in milliseconds since 1970. */
export interface ReceivedAt {
  readonly now_ms: number;
  /** Events of before are not kept; null: all are. */
  readonly oldest_ms: number | null;
}

/** An event, or what is wrong with it. */
export type ParsedEvent =
  | { readonly event: CollectedEvent; readonly issues?: undefined }
  | { readonly event?: undefined; readonly issues: readonly Issue[] };

/** Checks one event and gives it its time. */
export function parseEvent(given: unknown, at: ReceivedAt): ParsedEvent {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return { issues: [{ path: "", message: text("events.not_an_event") }] };
  const parsed = EventInput.safeParse(given);
  if (!parsed.success) return { issues: toIssues(parsed.error, { input: given, secret: [] }) };
  const { event_id, event, user_id, event_datetime, parameters } = parsed.data;
  return { event: { event_id, event, user_id, event_datetime: timeOf(event_datetime, at), parameters: parameters ?? null } };
}

/** The client's time where it can be believed, else when it was received. A time without a zone is UTC. */
function timeOf(given: string | null | undefined, { now_ms, oldest_ms }: ReceivedAt): string {
  if (given == null) return inMicroseconds(now_ms);
  const ms = Date.parse(ZONE.test(given) ? given : `${given}Z`);
  const believed = ms <= now_ms + AHEAD_MS && ms >= (oldest_ms ?? EARLIEST_MS);
  if (!believed) return inMicroseconds(now_ms);
  // As most clients write it there is nothing to convert.
  const [, seconds, fraction = ""] = AS_STORED.exec(given) ?? [];
  if (seconds !== undefined) return `${seconds}.${fraction.slice(0, MICRO_DIGITS).padEnd(MICRO_DIGITS, "0")}Z`;
  return inMicroseconds(ms, /\.(\d+)/.exec(given)?.[1]);
}

const ZONE = /(Z|[+-]\d\d:?\d\d)$/i;
const AS_STORED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z$/;
const MICRO_DIGITS = 6;

/** @param fraction digits of the second's fraction, where there are more than milliseconds say */
function inMicroseconds(ms: number, fraction = ""): string {
  return `${new Date(ms).toISOString().slice(0, -1)}${fraction.slice(3, MICRO_DIGITS).padEnd(3, "0")}Z`;
}
