import type { Comment } from "oxc-parser";
import { describe, expect, it } from "vitest";
import { linesOf, ownSources, parseSource, placeOf, type Source, visit } from "./support/source.ts";

/** The limits of the design, in lines. A file is usually 40 to 80. */
const FILE_MAX = 250;
const FUNCTION_P90 = 30;
const FUNCTION_MAX = 60;

interface Size {
  readonly place: string;
  readonly lines: number;
}

function fileSize({ path, text }: Source): Size {
  return { place: path, lines: text.trimEnd().split("\n").length };
}

/** Functions with a body in braces; one inside another counts for both. */
function functionSizes(source: Source): Size[] {
  const sizes: Size[] = [];
  const measure = (node: { start: number; end: number; body: { type: string } | null }) => {
    if (node.body?.type !== "BlockStatement") return;
    const { first, last } = linesOf(source, node);
    sizes.push({ place: placeOf(source, node), lines: last - first + 1 });
  };
  visit(source, { FunctionDeclaration: measure, FunctionExpression: measure, ArrowFunctionExpression: measure });
  return sizes;
}

function anyTypes(source: Source): string[] {
  const found: string[] = [];
  visit(source, { TSAnyKeyword: (node) => found.push(placeOf(source, node)) });
  return found;
}

/** Whether a doc comment ends where this begins, with nothing but white space between. */
function isDocumented({ text, parsed }: Source, { start }: { start: number }): boolean {
  const isDoc = ({ type, value }: Comment) => type === "Block" && value.startsWith("*");
  return parsed.comments.some((comment) => isDoc(comment) && comment.end <= start && text.slice(comment.end, start).trim() === "");
}

/** What another file exports is documented there. */
function undocumentedExports(source: Source): string[] {
  const exported = source.parsed.program.body.filter((node) =>
    node.type === "ExportNamedDeclaration" ? node.source === null : node.type === "ExportDefaultDeclaration",
  );
  return exported.filter((node) => !isDocumented(source, node)).map((node) => placeOf(source, node));
}

/** The smallest size that so much of all sizes do not exceed. */
function quantile(sizes: readonly Size[], part: number): number {
  const sorted = sizes.map(({ lines }) => lines).sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

const describeSizes = (sizes: readonly Size[]) =>
  `${sizes.length}: median ${quantile(sizes, 0.5)}, p90 ${quantile(sizes, 0.9)}, max ${quantile(sizes, 1)}`;

const over = (sizes: readonly Size[], limit: number) =>
  sizes.filter(({ lines }) => lines > limit).map(({ place, lines }) => `${place} has ${lines}`);

const sources = ownSources();
const product = sources.filter(({ path }) => !path.startsWith("test/"));
const files = product.map(fileSize);
const functions = product.flatMap(functionSizes);

describe("the code is easy to read", () => {
  it("in files of at most 250 lines, tests too", () => {
    process.stdout.write(`sizes in lines: files ${describeSizes(files)}; functions ${describeSizes(functions)}\n`);
    expect(over(sources.map(fileSize), FILE_MAX)).toEqual([]);
  });

  it("in functions of at most 60 lines, nine of ten at most 30", () => {
    expect(over(functions, FUNCTION_MAX)).toEqual([]);
    const offenders = quantile(functions, 0.9) > FUNCTION_P90 ? over(functions, FUNCTION_P90) : [];
    expect(offenders).toEqual([]);
  });

  it("without any", () => {
    expect(sources.flatMap(anyTypes)).toEqual([]);
  });

  it("with a doc comment at every export of core/", () => {
    expect(product.filter(({ path }) => path.startsWith("core/")).flatMap(undocumentedExports)).toEqual([]);
  });
});

describe("the ruler is straight", () => {
  const body = (lines: number) => "  a();\n".repeat(lines - 2);

  it("measures files and functions", () => {
    const source = parseSource("a.ts", `function f() {\n${body(61)}}\n\nconst g = () => {\n${body(31)}};\nconst h = () => 1;\n`);
    expect(fileSize(source).lines).toBe(94);
    expect(functionSizes(source)).toEqual([
      { place: "a.ts:1", lines: 61 },
      { place: "a.ts:63", lines: 31 },
    ]);
    expect(over(functionSizes(source), FUNCTION_MAX)).toEqual(["a.ts:1 has 61"]);
  });

  it("takes the nearest rank", () => {
    const ten = Array.from({ length: 10 }, (_, at) => ({ place: "", lines: 10 - at }));
    expect([quantile(ten, 0.5), quantile(ten, 0.9), quantile(ten, 1)]).toEqual([5, 9, 10]);
  });

  it("sees any and a missing doc comment", () => {
    const source = parseSource(
      "core/a.ts",
      "/** Said. */\nexport const a = 1;\n// Not a doc comment.\nexport function b(c: any[]): void {}\nexport type D = 1;\n",
    );
    expect(anyTypes(source)).toEqual(["core/a.ts:4"]);
    expect(undocumentedExports(source)).toEqual(["core/a.ts:4", "core/a.ts:5"]);
  });
});
