/** How much of what a person typed is quoted back to them, in characters. */
const QUOTED_CHARS = 60;

/** The beginning of a text on one line, at most `max` characters and whole ones (an emoji is not cut in two), with an ellipsis where something was cut. */
export function cut(words: string, max: number = QUOTED_CHARS): string {
  // A character is at most two UTF-16 units, so a huge text need not be spread into characters.
  const characters = [...words.slice(0, 2 * max + 2).replaceAll(/\s+/g, " ")];
  return characters.length > max ? `${characters.slice(0, max - 1).join("")}…` : characters.join("");
}
