/** A request as a command of a shell, an option a line: what is put into it is one word, whatever it holds. */
export function curlCommand(
  { method, url, body }: { readonly method: string; readonly url: string; readonly body?: unknown },
  { keyless }: { readonly keyless: boolean },
): string {
  const way = method === "GET" || (method === "POST" && body !== undefined) ? "" : `-X ${method} `;
  // In double quotes, so that the shell puts the key in.
  const key = keyless ? [] : ['-H "authorization: Bearer $SWITCHBOARD_KEY"'];
  const sent = body === undefined ? [] : ["-H 'content-type: application/json'", `-d ${quote(JSON.stringify(body))}`];
  return [`curl -s ${way}${quote(url)}`, ...key, ...sent].join(" \\\n  ");
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
