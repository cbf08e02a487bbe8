import { decodeReferences } from "./references.ts";
import type { Entity } from "./types.ts";

/** Makes the entity of a tag from the text inside it; undefined: the tag means nothing, as a link to nowhere does. */
export type MakeEntity = (inside: string) => Pick<Entity, "type"> | undefined;

/** A start tag that waits for its end. */
export interface OpenTag {
  readonly name: string;
  readonly start: number;
  /** The how-manieth tag it is: outer ones come first among entities at one place. */
  readonly order: number;
  readonly entity: MakeEntity;
}

const SIMPLE: Readonly<Record<string, string>> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler",
  code: "code",
  pre: "pre",
};
const TAGS = new Set([...Object.keys(SIMPLE), "a", "span", "blockquote", "tg-emoji"]);

type Fail = (what: string) => Error;
type Attributes = ReadonlyMap<string, string>;

const ATTRIBUTE = /\s+([^\s=>/"']*)\s*(?:=\s*(?:"([^"]*)"|'([^']*)'|([a-zA-Z0-9.-]+)))?/y;

/** Reads attributes up to the closing bracket. */
function readAttributes(
  html: string,
  from: number,
  fail: (what: string) => Error,
): { readonly attributes: Attributes; readonly end: number } {
  const attributes = new Map<string, string>();
  let at = from;
  while (!/^\s*>/.test(html.slice(at, at + 64))) {
    ATTRIBUTE.lastIndex = at;
    const match = ATTRIBUTE.exec(html);
    if (!match || at >= html.length) throw fail("Unclosed start tag");
    const [whole, name = "", double, single, bare] = match;
    if (name === "") throw fail(html.slice(at).trim() === "" ? "Unclosed start tag" : "Empty attribute name in the tag");
    attributes.set(name.toLowerCase(), decodeReferences(double ?? single ?? bare ?? ""));
    at += whole.length;
  }
  return { attributes, end: html.indexOf(">", at) + 1 };
}

/** An address Telegram would make a link of; anything else is shown as plain text. */
function linkOf(href: string): Pick<Entity, "type"> | undefined {
  const user = /^tg:\/\/user\?id=(\d+)$/.exec(href);
  if (user) return { type: "text_mention", user: { id: Number(user[1]) } } as Pick<Entity, "type">;
  const address = /^[a-z][a-z0-9+.-]*:/i.test(href) ? href : `http://${href}`;
  if (!URL.canParse(address)) return undefined;
  const { protocol, host, href: url } = new URL(address);
  const reachable = protocol === "tg:" || (["http:", "https:", "ftp:"].includes(protocol) && host.includes("."));
  return reachable ? ({ type: "text_link", url } as Pick<Entity, "type">) : undefined;
}

function entityOf(name: string, attributes: Attributes, { fail, parent }: { fail: Fail; parent: string | undefined }): MakeEntity {
  const simple = SIMPLE[name];
  if (name === "a") return (inside) => linkOf(attributes.get("href") || inside);
  if (name === "blockquote") return () => ({ type: attributes.has("expandable") ? "expandable_blockquote" : "blockquote" });
  if (name === "span" && attributes.get("class") !== "tg-spoiler") throw fail('Tag "span" must have class "tg-spoiler"');
  if (name === "tg-emoji" && !/^\d+$/.test(attributes.get("emoji-id") ?? "")) throw fail("Invalid custom emoji identifier specified");
  if (name === "code" && parent === "pre") return () => undefined;
  return () => ({ type: simple ?? (name === "span" ? "spoiler" : "custom_emoji") });
}

/** Reads the start tag at `at`. Throws what `fail` makes, with the place in bytes. */
export function openTag(
  html: string,
  at: number,
  { fail, parent }: { fail: Fail; parent: string | undefined },
): { readonly name: string; readonly end: number; readonly entity: MakeEntity } {
  const offset = Buffer.byteLength(html.slice(0, at));
  const [whole = "<", raw = ""] = /^<([^\s>]*)/.exec(html.slice(at)) ?? [];
  const name = raw.toLowerCase();
  if (at + whole.length >= html.length) throw fail(`Unclosed start tag at byte offset ${offset}`);
  if (!TAGS.has(name)) throw fail(`Unsupported start tag "${name}" at byte offset ${offset}`);
  const failHere = (what: string) => fail(`${what}${what.endsWith("in the tag") ? ` "${name}"` : ""} at byte offset ${offset}`);
  const { attributes, end } = readAttributes(html, at + whole.length, failHere);
  return { name, end, entity: entityOf(name, attributes, { fail: failHere, parent }) };
}
