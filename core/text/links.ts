/** Slack's `<http://203.0.113.7|203.0.113.7>`, also without a label, also for mail and telephone. */
const ANGLE_LINK = /<((?:https?:\/\/|mailto:|tel:)[^<>|\s"'\\]+)(?:\|([^<>|\s"'\\]+))?>/giu;

/** Markdown's `[203.0.113.7](http://203.0.113.7)`, which Webex makes. */
const MARKDOWN_LINK = /\[([^[\]()<>\s"'\\]+)\]\(((?:https?:\/\/|mailto:|tel:)[^[\]()<>\s"'\\]+)\)/giu;

/** Links within links; nobody's platform makes more. */
const MAX_NESTED = 3;

/**
 * What was typed, where a platform has made a link of it. A link whose label says something else than its address is somebody's
 * own and stays as it is: taking either one for the other would deceive.
 */
export function unwrapLinks(line: string): string {
  let unwrapped = line;
  for (let round = 0; round < MAX_NESTED; round++) {
    const next = unwrapped.replaceAll(ANGLE_LINK, unwrapAngle).replaceAll(MARKDOWN_LINK, unwrapMarkdown);
    if (next === unwrapped) return next;
    unwrapped = next;
  }
  return line;
}

function unwrapAngle(link: string, url: string, label: string | undefined): string {
  if (label === undefined) return url.replace(/^(?:mailto|tel):/i, "");
  return bare(label) === bare(url) ? label : link;
}

function unwrapMarkdown(link: string, label: string, url: string): string {
  return bare(label) === bare(url) ? label : link;
}

function bare(url: string): string {
  return url
    .replace(/^(?:https?:\/\/|mailto:|tel:)/i, "")
    .replace(/\/$/, "")
    .toLowerCase();
}
