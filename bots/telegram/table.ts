/**
 * Characters that take two cells of a fixed-width font (East Asian Width "W" and "F", https://www.unicode.org/reports/tr11/):
 * Hangul, Chinese, kana, full-width forms, and pictures.
 */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
/** Characters that take none: accents upon the one before, joiners, variation selectors. */
const ZERO = /[\p{M}\p{Cf}]/u;
const GAP = "  ";

/** Rows as lines of aligned columns, for a fixed-width font; a cell is one line. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replace(/\s+/g, " ").trim()));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  }
  const pad = (cell: string, column: number) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell));
  return cells.map((row) => row.map(pad).join(GAP).trimEnd()).join("\n");
}

function widthOf(words: string): number {
  let width = 0;
  for (const sign of words) width += ZERO.test(sign) ? 0 : WIDE.test(sign) ? 2 : 1;
  return width;
}
