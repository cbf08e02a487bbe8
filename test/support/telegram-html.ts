/** What a person reads: refuses markup that Telegram could not parse. */
export function readHtml(html: string): string {
  const open: string[] = [];
  const words = html.replace(/<(\/?)([a-z]+)>|&(?:amp|lt|gt);|[<>&]/g, (token, closing: string, tag: string | undefined) => {
    if (tag === undefined && token.length === 1) throw new Error(`a bare ${token} in the markup`);
    if (tag === undefined) return { "&amp;": "&", "&lt;": "<", "&gt;": ">" }[token] ?? "";
    if (closing === "") open.push(tag);
    else if (open.pop() !== tag) throw new Error(`${token} closes nothing`);
    return "";
  });
  if (open.length > 0) throw new Error(`${open.join()} is not closed`);
  return words;
}
