import { z } from "zod";
import { text } from "../reply.ts";
import { invalidInput } from "../text/invalid-input.ts";
import { EventInput } from "./event.ts";
import type { EventPosition } from "./ports.ts";

/** Whoever writes one by hand must not reach the database with a day or a character that it does not have. */
const Position = z.tuple([z.iso.datetime({ precision: 6 }).refine((words) => words >= "0001"), EventInput.shape.event_id]);

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
    return { event_datetime, event_id };
  } catch {
    // What cannot be read is no cursor of ours.
  }
  throw invalidInput("cursor", text("http.cursor"));
}
