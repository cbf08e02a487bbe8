import { z } from "zod";
import { text } from "../reply.ts";
import { hasControlCharacter } from "../text/characters.ts";
import { invalidInput } from "../text/invalid-input.ts";
import { WORD_CHARS } from "./event.ts";
import type { EventPosition, FailedPosition } from "./ports.ts";

/** As `CollectedEvent.event_datetime` is written; a day that no calendar has, or a year before the first, the database would refuse. */
const moment = z
  .string()
  .regex(/^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  .pipe(z.iso.datetime());
const id = z
  .string()
  .min(1)
  .max(WORD_CHARS)
  .refine((words) => !hasControlCharacter(words));
const Position = z.tuple([moment, id]);

/** Where the next page of events begins, as one opaque word. */
export function encodeEventCursor({ event_datetime, event_id }: EventPosition): string {
  return encode(event_datetime, event_id);
}

/**
 * Reads what `encodeEventCursor` wrote.
 * @throws OpsError `invalid_input` for anything else
 */
export function decodeEventCursor(cursor: string): EventPosition {
  const [event_datetime, event_id] = decode(cursor);
  return { event_datetime, event_id };
}

/** Where the next page of failed events begins, as one opaque word. */
export function encodeFailedCursor({ failed_at, event_id }: FailedPosition): string {
  return encode(failed_at, event_id);
}

/**
 * Reads what `encodeFailedCursor` wrote.
 * @throws OpsError `invalid_input` for anything else
 */
export function decodeFailedCursor(cursor: string): FailedPosition {
  const [failed_at, event_id] = decode(cursor);
  return { failed_at, event_id };
}

function encode(...position: z.infer<typeof Position>): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

function decode(cursor: string): z.infer<typeof Position> {
  try {
    return Position.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")));
  } catch {
    // What cannot be read is no cursor of ours.
  }
  throw invalidInput("cursor", text("http.cursor"));
}
