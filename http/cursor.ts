import { z } from "zod";
import { OpsError } from "../core/errors.ts";
import { text } from "../core/reply.ts";

/** Before any run; the calendars of JavaScript and PostgreSQL do not agree on the years below 1. */
const EARLIEST = "1970";
const Moment = z.iso.datetime().refine((at) => at >= EARLIEST);
const Position = z.tuple([Moment, z.string().regex(/^[\w-]{1,64}$/)]);

/** The run a page ended with. */
export interface CursorPosition {
  readonly created_at: string;
  readonly run_id: string;
}

/** Where the next page begins, as one opaque word. */
export function encodeCursor({ created_at, run_id }: CursorPosition): string {
  return Buffer.from(JSON.stringify([created_at, run_id])).toString("base64url");
}

/**
 * Reads what `encodeCursor` wrote.
 * @throws OpsError `invalid_input` for anything else
 */
export function decodeCursor(cursor: string): CursorPosition {
  try {
    const [created_at, run_id] = Position.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")));
    return { created_at, run_id };
  } catch (cause) {
    const message = text("http.cursor");
    throw new OpsError("invalid_input", "not a cursor", { text: message, issues: [{ path: "cursor", message }], cause });
  }
}
