import { z } from "zod";
import { WORD_CHARS } from "../../core/events/event.ts";

/** An id of an event or of a user, as the collector takes it: a word, or a number, which is its digits. */
export const eventWord = z
  .union([z.string(), z.int()], { error: "text:field.event_word" })
  .transform(String)
  .refine((words) => words !== "" && words.length <= WORD_CHARS, "text:field.event_word");

/** So much of a reason is shown in a table, in characters: the name of what refused it stands at its end. */
export const REASON_CHARS = 120;

/** Where a page goes on, as the page before gave it. Ids of 255 characters take four bytes each at most. */
export const cursor = z.string().max(8 * WORD_CHARS);
