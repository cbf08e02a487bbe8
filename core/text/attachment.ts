import { z } from "zod";
import { type Command, slugOf } from "../command.ts";
import type { Issue } from "../errors.ts";
import { text } from "../reply.ts";
import { secretFields } from "../secret.ts";
import { type Bound, missingFields } from "./bind.ts";
import { hasControlCharacter, repairCharacters } from "./characters.ts";
import { kindOf } from "./field-kind.ts";
import { invalidInput } from "./invalid-input.ts";
import { toIssues } from "./sentence.ts";

/** A word of a text file, and the line it stands in, from 1. */
interface Word {
  readonly value: string;
  readonly line: number;
}

const SEPARATORS = /[\s,;]+/;
const COMMENT = "#";
/** A CSV's first line may name its columns: letters alone, which no address is. */
const COLUMN = /^\p{L}[\p{L}_]*$/u;
/** More words than this are counted and not looked at: no list is so long, and half a megabyte of them takes a while. */
const CHECKED = 2_000;

/**
 * Puts the words of a text file to those of the command's list.
 * @throws OpsError `invalid_input` where the command takes no list, the file is empty, or one of its lines is wrong, which is named
 */
export function withAttachment(command: Command, bound: Bound, attachment: string | undefined): Bound {
  if (attachment === undefined) return bound;
  const field = command.positional.at(-1);
  const schema = field === undefined ? undefined : command.input.shape[field];
  if (field === undefined || !schema || !kindOf(schema as z.ZodType).list)
    throw invalidInput("", text("attachment.not_taken", { command: slugOf(command) }));
  const words = checkWords(command.input, field, wordsOf(attachment));
  const given = bound.input[field];
  const values = [...(Array.isArray(given) ? given : given === undefined ? [] : [given]), ...words];
  const input = { ...bound.input, [field]: values };
  return { ...bound, input, missing: missingFields(command, input) };
}

/** The words of a file: separated by white space, commas or semicolons, with or without quotes; lines that begin with # are left out. */
function wordsOf(attachment: string): readonly Word[] {
  return attachment.split(/\r\n?|\n/).flatMap((raw, at) => {
    const line = at + 1;
    if (hasControlCharacter(raw)) throw wrongLine("", line, text("parse.control_character"));
    const typed = repairCharacters(raw);
    if (typed.startsWith(COMMENT)) return [];
    const values = typed.split(SEPARATORS).map((word) => word.replace(/^["']+|["']+$/g, ""));
    return values.filter((value) => value !== "").map((value) => ({ value, line }));
  });
}

function checkWords(input: z.ZodObject, field: string, words: readonly Word[]): readonly string[] {
  if (words.length === 0) throw invalidInput(field, text("attachment.empty"));
  const wrong = firstWrong(input, field, words);
  if (!wrong) return words.map(({ value }) => value);
  const header = words.filter(({ line }) => line === words[0]?.line);
  const below = words.slice(header.length);
  const isHeader = wrong.word.line === words[0]?.line && header.every(({ value }) => COLUMN.test(value));
  if (!isHeader || below.length === 0) throw wrongLine(field, wrong.word.line, wrong.issue.message);
  const wrongBelow = firstWrong(input, field, below);
  if (wrongBelow) throw wrongLine(field, wrongBelow.word.line, wrongBelow.issue.message);
  return below.map(({ value }) => value);
}

function firstWrong(input: z.ZodObject, field: string, words: readonly Word[]): { word: Word; issue: Issue } | undefined {
  const [issue] = issuesOf(input, field, words);
  const word = issue && words[Number(issue.path.split(".")[1])];
  return word && { word, issue };
}

/** What is wrong with single words; their number is judged together with what stood in the line. */
function issuesOf(input: z.ZodObject, field: string, words: readonly Word[]): readonly Issue[] {
  const given = { [field]: words.slice(0, CHECKED).map(({ value }) => value) };
  const parsed = z.object({ [field]: input.shape[field] as z.ZodType }).safeParse(given);
  if (parsed.success) return [];
  const issues = toIssues(parsed.error, { input: given, secret: secretFields(input) });
  const single = issues.filter(({ path }) => path.includes("."));
  const many = issues.find(({ message }) => "key" in message && message.key === "parse.too_many_items")?.message;
  if (single.length > 0 || words.length <= CHECKED || !many || !("key" in many)) return single;
  throw invalidInput(field, text(many.key, { ...many.params, count: words.length }));
}

function wrongLine(field: string, line: number, problem: Issue["message"]) {
  return invalidInput(field, text("attachment.line", { line, problem }));
}
