import { parseSource, placeOf, type Source, visit } from "./source.ts";

/** A key of a text that a source names, or the beginning of several where the rest is known only at run time (`cf.status.*`). */
export interface KeyUse {
  readonly key: string;
  readonly place: string;
}

/** How a schema's message says that it is a key. */
const PREFIX = "text:";

/**
 * The keys that a file names: every string, and every template with `*` for what is put in, that begins with one of the namespaces and a dot.
 * So a key is found wherever it stands: in `text("...")`, in a table, in a schema's `text:...`.
 */
export function keysIn(source: Source, namespaces: ReadonlySet<string>): KeyUse[] {
  const found: KeyUse[] = [];
  const add = (words: string, span: { start: number; end: number }) => {
    const key = words.startsWith(PREFIX) ? words.slice(PREFIX.length) : words;
    const [namespace, ...rest] = key.split(".");
    if (rest.length === 0 || !namespaces.has(namespace ?? "") || !/^[\w.*]+$/.test(key)) return;
    found.push({ key, place: placeOf(source, span) });
  };
  visit(source, {
    Literal: (node) => {
      if (typeof node.value === "string") add(node.value, node);
    },
    TemplateLiteral: (node) => add(node.quasis.map(({ value }) => value.cooked).join("*"), node),
  });
  return found;
}

/** The keys given to `text(...)` as they stand: these must exist, whatever they begin with. */
export function saidKeys(source: Source): KeyUse[] {
  const found: KeyUse[] = [];
  visit(source, {
    CallExpression: (node) => {
      const [first] = node.arguments;
      if (node.callee.type !== "Identifier" || node.callee.name !== "text" || first?.type !== "Literal") return;
      found.push({ key: String(first.value), place: placeOf(source, node) });
    },
  });
  return found;
}

/** The same for a piece of source, for tests of this file. */
export function keysInText(text: string, namespaces: readonly string[]): string[] {
  return keysIn(parseSource("core/a.ts", text), new Set(namespaces)).map(({ key }) => key);
}
