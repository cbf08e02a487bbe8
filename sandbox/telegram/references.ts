const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };
const REFERENCE = /&(?:#(\d{1,9})|#x([0-9a-f]{1,8})|(lt|gt|amp|quot))(?:;|(?![0-9a-z]))/iy;

function codePoint(value: number): string | undefined {
  return value > 0 && value < 0x10ffff && !(value >= 0xd800 && value <= 0xdfff) ? String.fromCodePoint(value) : undefined;
}

/** Reads a reference like &lt; or &#8364; at `at`. An unknown one is plain text for Telegram, no error. */
export function readReference(html: string, at: number): { readonly value: string; readonly end: number } {
  REFERENCE.lastIndex = at;
  const match = REFERENCE.exec(html);
  const [whole = "&", decimal, hex, name] = match ?? [];
  const value = name ? NAMED[name.toLowerCase()] : codePoint(decimal ? Number(decimal) : Number.parseInt(hex ?? "", 16));
  return match && value !== undefined ? { value, end: at + whole.length } : { value: "&", end: at + 1 };
}

/** The text with its references resolved; also for the values of attributes. */
export function decodeReferences(html: string): string {
  let text = "";
  for (let at = 0; at < html.length; ) {
    const { value, end } = html[at] === "&" ? readReference(html, at) : { value: html[at] ?? "", end: at + 1 };
    text += value;
    at = end;
  }
  return text;
}
