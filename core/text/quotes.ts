/** Characters that begin a quotation, and those that end the one they began. The pairs are the Unicode names' and what phones make of `"` and `'`. */
const CLOSERS: Readonly<Record<string, string>> = {
  '"': '"',
  "“": "”",
  "”": "”",
  "„": "“”",
  "‟": "”",
  "«": "»",
  "»": "«»",
  "″": "″",
  "〝": "〞〟",
  "「": "」",
  "『": "』",
  "'": "'",
  "‘": "’",
  "’": "’",
  "‚": "‘’",
  "‛": "’",
  "‹": "›",
  "›": "‹›",
  "′": "′",
};

const SINGLE = "'‘’‚‛‹›′";
const DOUBLE = '"“”„‟«»″〝〞〟「」『』';

/** Whether a character begins a quotation where it stands at the beginning of a word. */
export function opensQuote(character: string | undefined): character is string {
  return character !== undefined && Object.hasOwn(CLOSERS, character);
}

/** Whether a quote is one of the single ones, in which a backslash is only a backslash. */
export function isSingleQuote(character: string): boolean {
  return SINGLE.includes(character);
}

/** Where the quotation that begins at `open` ends; -1 when it is never closed. A phone may mix quotes, so any of the same kind will do where the right one is missing. */
export function closingQuote(line: string, open: number): number {
  const opener = line[open] ?? "";
  const right = findCloser(line, open, CLOSERS[opener] ?? opener);
  return right === -1 ? findCloser(line, open, isSingleQuote(opener) ? SINGLE : DOUBLE) : right;
}

/** Only a quote or a backslash can be escaped, so that `C:\temp` stays what it is. An apostrophe stands before a letter, the end of a single quotation before a gap. */
function findCloser(line: string, open: number, closers: string): number {
  const single = isSingleQuote(line[open] ?? "");
  const pattern = single ? new RegExp(`[${closers}](?=[\\s,]|$)`, "g") : new RegExp(`\\\\["\\\\]|[${closers}]`, "g");
  pattern.lastIndex = open + 1;
  for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
    if (match[0].length === 1) return match.index;
  }
  return -1;
}

/** What stands between quotes, with its escapes taken out. */
export function unescapeQuoted(content: string, opener: string): string {
  return isSingleQuote(opener) ? content : content.replaceAll(/\\(["\\])/g, "$1");
}

/** A value in straight double quotes, so that reading it gives the value again. */
export function quote(value: string): string {
  return `"${value.replaceAll(/\\(?=["\\]|$)|"/g, "\\$&")}"`;
}
