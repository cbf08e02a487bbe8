/**
 * A value as text for a `jsonb` column, which can hold neither NUL nor half a surrogate pair: they become U+FFFD. (A `json` column holds them.)
 * Source: https://www.postgresql.org/docs/15/datatype-json.html
 */
export function toJsonb(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "string" ? withoutNul(part).toWellFormed() : part));
}

/** Words for a `text` column, which cannot hold NUL; half a surrogate pair becomes U+FFFD on its way. */
export function withoutNul(words: string): string {
  return words.replaceAll("\0", "\ufffd");
}
