import { z } from "zod";
import { text } from "../reply.ts";
import { invalidInput } from "../text/invalid-input.ts";
import { WORD_CHARS } from "./event.ts";
import type { EventPosition } from "./ports.ts";

const Position = z.tuple([z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/), z.string().min(1).max(WORD_CHARS)]);

/** Where the next page begins, as one opaque word. */
export function encodeEventCursor({ event_datetime, event_id }: EventPosition): string {
  return Buffer.from(JSON.stringify([event_datetime, event_id])).toString("base64url");
}

/**
 * Reads what `encodeEventCursor` wrote.
 * @throws OpsError `invalid_input` for anything else
 */
export function decodeEventCursor(cursor: string): EventPosition {
  try {
    const [event_datetime, event_id] = Position.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")));
    if (!Number.isNaN(Date.parse(event_datetime))) return { event_datetime, event_id };
  } catch {
    // What cannot be read is no cursor of ours.
  }
  throw invalidInput("cursor", text("http.cursor"));
}
