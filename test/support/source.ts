import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { type ParseResult, parseSync, Visitor, type VisitorObject } from "oxc-parser";

/** The folder of package.json, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Folders that hold what others wrote or what was built. Folders whose name begins with a dot are left out too. */
const NOT_OURS = new Set(["node_modules", "dist", "prisma/generated", "coverage"]);

/** A TypeScript file and its syntax tree. Paths are relative to the root, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly parsed: ParseResult;
}

/** A stretch of a file, as every node of the tree carries it. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** Every folder of ours below `folder`, without that folder itself. */
export function ownFolders(folder = ""): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => posix.join(folder, name));
  return folders.filter((path) => !NOT_OURS.has(path)).flatMap((path) => [path, ...ownFolders(path)]);
}

/** Every TypeScript file of ours, parsed. */
export function ownSources(): Source[] {
  return ["", ...ownFolders()].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => posix.join(folder, name))
      .map((path) => parseSource(path, readFileSync(join(ROOT, path), "utf8"))),
  );
}

/**
 * Parses one file.
 * @throws Error when the text is not TypeScript
 */
export function parseSource(path: string, text: string): Source {
  const parsed = parseSync(path, text);
  const [error] = parsed.errors;
  if (error) throw new Error(`${path}: ${error.message}`);
  return { path, text, parsed };
}

/** Calls the visitor for the nodes of a file, outer ones first. */
export function visit({ parsed }: Source, visitor: VisitorObject): void {
  new Visitor(visitor).visit(parsed.program);
}

/** What a file imports, in whatever way: static, dynamic, re-exported, as a type, or required. */
export function importsOf(source: Source): string[] {
  const found: string[] = [];
  visit(source, {
    ImportDeclaration: (node) => found.push(node.source.value),
    ExportNamedDeclaration: (node) => node.source && found.push(node.source.value),
    ExportAllDeclaration: (node) => found.push(node.source.value),
    TSImportType: (node) => found.push(node.source.value),
    ImportExpression: ({ source: from }) => from.type === "Literal" && typeof from.value === "string" && found.push(from.value),
    CallExpression: ({ callee, arguments: [from] }) =>
      callee.type === "Identifier" && callee.name === "require" && from?.type === "Literal" && found.push(String(from.value)),
  });
  return found;
}

/** The first and last line of a node, the first line of a file being 1. */
export function linesOf({ text }: Source, { start, end }: Span): { readonly first: number; readonly last: number } {
  const first = text.slice(0, start).split("\n").length;
  return { first, last: first + text.slice(start, end).split("\n").length - 1 };
}

/** Where a node stands, as an editor opens it: `core/run.ts:12`. */
export function placeOf(source: Source, span: Span): string {
  return `${source.path}:${linesOf(source, span).first}`;
}
