/** Markup; everything put into it from outside has been escaped. */
export type Html = { readonly html: string };

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

type Part = string | number | Html | readonly Html[] | undefined;

/** A template of markup: whatever is put in is escaped, unless it is markup already. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.reduce((whole, text, at) => `${whole}${toMarkup(parts[at - 1])}${text}`) };
}

function toMarkup(part: Part): string {
  if (part === undefined) return "";
  if (typeof part === "string" || typeof part === "number") return String(part).replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign] ?? "");
  return "html" in part ? part.html : part.map((each) => each.html).join("");
}
