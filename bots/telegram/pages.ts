/** A piece of an answer as it is written, which stands on one page as a whole. Pieces of one `frame` that follow each other share it. */
export interface Piece {
  /** Escaped, without line break at its ends. */
  readonly html: string;
  readonly frame?: Frame;
}

/** What stands around pieces, on each page anew: a table's columns. */
export interface Frame {
  readonly before: string;
  readonly after: string;
}

interface Page {
  readonly pieces: Piece[];
  size: number;
}

/**
 * Puts pieces on as few pages as their order allows. A piece that is longer than a page has one of its own.
 * @param room how many UTF-16 units a page holds
 */
export function toPages(pieces: readonly Piece[], room: number): readonly string[] {
  const pages: Page[] = [{ pieces: [], size: 0 }];
  for (const piece of pieces) {
    const page = pages.at(-1);
    const size = sizeAfter(page, piece);
    if (page && (page.pieces.length === 0 || page.size + size <= room)) {
      page.pieces.push(piece);
      page.size += size;
    } else {
      pages.push({ pieces: [piece], size: sizeAfter(undefined, piece) });
    }
  }
  return pages.map((page) => write(page.pieces));
}

/** What a piece adds to a page: itself, the line break before it, and its frame where that is not open yet. */
function sizeAfter(page: Page | undefined, { html, frame }: Piece): number {
  const isOpen = frame !== undefined && page?.pieces.at(-1)?.frame === frame;
  return html.length + 1 + (frame && !isOpen ? frame.before.length + frame.after.length : 0);
}

function write(pieces: readonly Piece[]): string {
  let html = "";
  for (const [at, piece] of pieces.entries()) {
    const [before, after] = [pieces[at - 1], pieces[at + 1]];
    const opens = before?.frame !== piece.frame;
    html += at === 0 ? "" : "\n";
    html += (opens ? (piece.frame?.before ?? "") : "") + piece.html;
    if (after?.frame !== piece.frame) html += piece.frame?.after ?? "";
  }
  return html;
}
