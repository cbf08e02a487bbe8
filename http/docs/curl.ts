/** A request as a line of a shell: what is put into it is one word, whatever it holds. */
export function curlLine(
  { method, url, body }: { readonly method: string; readonly url: string; readonly body?: unknown },
  { keyless }: { readonly keyless: boolean },
): string {
  const words = ["curl -s"];
  if (method !== "GET" && !(method === "POST" && body !== undefined)) words.push(`-X ${method}`);
  words.push(quote(url));
  // In double quotes, so that the shell puts the key in.
  if (!keyless) words.push('-H "authorization: Bearer $SWITCHBOARD_KEY"');
  if (body !== undefined) words.push("-H 'content-type: application/json'", `-d ${quote(JSON.stringify(body))}`);
  return words.join(" ");
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
