import { z } from "zod";
import type { Issue } from "../errors.ts";
import { text } from "../reply.ts";
import { hasControlCharacter } from "../text/characters.ts";
import { toIssues } from "../text/sentence.ts";
import { isPlainTime, type ReceivedAt, timeOf } from "./time.ts";

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

/** An event, or what is wrong with it. */
export type ParsedEvent =
  | { readonly event: CollectedEvent; readonly issues?: undefined }
  | { readonly event?: undefined; readonly issues: readonly Issue[] };

/** Checks one event and gives it its time. */
export function parseEvent(given: unknown, at: ReceivedAt): ParsedEvent {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return { issues: [{ path: "", message: text("events.not_an_event") }] };
  const plain = readPlain(given, at);
  if (plain) return { event: plain };
  const parsed = EventInput.safeParse(given);
  if (!parsed.success) return { issues: toIssues(parsed.error, { input: given, secret: [] }) };
  const { event_id, event, user_id, event_datetime, parameters } = parsed.data;
  return { event: { event_id, event, user_id, event_datetime: timeOf(event_datetime, at), parameters: parameters ?? null } };
}

const PLAIN = /^[ -~]{1,255}$/;
const isPlain = (given: unknown): given is string => typeof given === "string" && PLAIN.test(given);

/**
 * Reads an event that is good beyond doubt: words of printable ASCII, numbers that are numbers. It is ten times as fast as the schema, which reads all
 * others, and whose word counts: what is read here it would read just so (test/core/events/plain.test.ts).
 */
function readPlain(given: object, at: ReceivedAt): CollectedEvent | null {
  const { event_id, event, user_id, event_datetime, parameters } = given as Readonly<Record<string, unknown>>;
  if (!isPlain(event_id) || !isPlain(event) || !isPlain(user_id)) return null;
  if (event_datetime != null && !(typeof event_datetime === "string" && isPlainTime(event_datetime))) return null;
  const read = parameters == null ? null : readPlainParameters(parameters);
  return read === undefined ? null : { event_id, event, user_id, event_datetime: timeOf(event_datetime, at), parameters: read };
}

function readPlainParameters(given: unknown): EventParameters | undefined {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
  const { order_id, currency, price } = given as Readonly<Record<string, unknown>>;
  const isPriced = typeof price === "number" && price > -PRICE_LIMIT && price < PRICE_LIMIT;
  return isPriced && isPlain(order_id) && isPlain(currency) ? { order_id, currency, price } : undefined;
}
