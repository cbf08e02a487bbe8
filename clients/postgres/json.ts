/** An escape in JSON: of NUL, of half a surrogate pair (`JSON.stringify` escapes both), or any other. */
const ESCAPE = /\\(u0000|ud[89a-f][0-9a-f]{2}|.)/g;

/**
 * A value as text for a `jsonb` column, which can hold neither NUL nor half a surrogate pair: they become U+FFFD. (A `json` column holds them.)
 * Source: https://www.postgresql.org/docs/15/datatype-json.html
 */
export function toJsonb(value: unknown): string {
  const text = JSON.stringify(value);
  // Mostly there is none, and this is asked with every statement.
  return text.includes("\\u") ? withoutEscapes(text) : text;
}

function withoutEscapes(text: string): string {
  return text.replace(ESCAPE, (found, name: string) => (name.length > 1 ? "\ufffd" : found));
}

/** Words for a `text` column, which cannot hold NUL; half a surrogate pair becomes U+FFFD on its way. */
export function withoutNul(words: string): string {
  return words.replaceAll("\0", "\ufffd");
}
