/** Longer words are not compared: nobody mistypes them by a letter, and the comparison costs the product of both lengths. */
const MAX_WORD_CHARS = 64;

/**
 * How many letters were added, dropped, changed or swapped with their neighbour between two words
 * (Damerau-Levenshtein, the variant that edits no substring twice).
 */
export function distance(left: string, right: string): number {
  const a = [...left];
  const b = [...right];
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const edited = Math.min(at(previous, column) + 1, at(current, column - 1) + 1, at(previous, column - 1) + (same ? 0 : 1));
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(swapped ? Math.min(edited, at(before, column - 2) + 1) : edited);
    }
    before = previous;
    previous = current;
  }
  return at(previous, b.length);
}

/** Outside the table there is nothing near. */
function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}

/**
 * The candidate most like a word, compared without case; the first of equals.
 * @param max how many letters may differ; never as many as the word has, so that "a" is not taken for "b"
 */
export function nearest(word: string, candidates: Iterable<string>, max: number): string | undefined {
  if (word.length > MAX_WORD_CHARS) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.min(max, wanted.length - 1) + 1;
  for (const candidate of candidates) {
    if (candidate.length > MAX_WORD_CHARS || Math.abs(candidate.length - wanted.length) >= bestDistance) continue;
    const found = distance(wanted, candidate.toLowerCase());
    if (found >= bestDistance) continue;
    best = candidate;
    bestDistance = found;
  }
  return best;
}
