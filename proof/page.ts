import { readFile, writeFile } from "node:fs/promises";
import type { Verdict } from "./verdict.ts";

/** What came out of a part of a proof, and how long it took. */
export type Row = readonly [title: string, verdict: Verdict, seconds: number];

const PAGE = "docs/reliability.md";

/** Carries out a part of a proof and prints what came out. */
export async function timed(proof: string, title: string, prove: () => Promise<Verdict>): Promise<Row> {
  const began = Date.now();
  const verdict = await prove();
  const seconds = Math.round((Date.now() - began) / 1_000);
  console.log(JSON.stringify({ proof, of: title, seconds, ...verdict }));
  return [title, verdict, seconds];
}

/** Writes a proof's section of docs/reliability.md; those of other proofs stay as they are. */
export async function writeSection(proof: string, lines: readonly string[]): Promise<void> {
  const page = await readFile(PAGE, "utf8");
  const [begin, end] = [`<!-- ${proof} -->`, `<!-- end of ${proof} -->`];
  const section = [begin, "", ...lines, "", end].join("\n");
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  const whole = from < 0 || to < from ? `${page.trimEnd()}\n\n${section}\n` : page.slice(0, from) + section + page.slice(to + end.length);
  await writeFile(PAGE, whole);
}

/** A column for each part, a line for each thing that was counted. */
export function toTable(rows: readonly Row[]): string[] {
  const keys = [...new Set(rows.flatMap(([, verdict]) => Object.keys(verdict)))].filter((key) => key !== "holds");
  const lines = [...keys, "holds"].map(
    (key) => `| ${key.replaceAll("_", " ")} | ${rows.map(([, verdict]) => verdict[key] ?? "").join(" | ")} |`,
  );
  return [
    `| | ${rows.map(([title]) => title).join(" | ")} |`,
    `|---|${rows.map(() => "---|").join("")}`,
    ...lines,
    `| seconds | ${rows.map(([, , seconds]) => seconds).join(" | ")} |`,
  ];
}
