import type { Command } from "../../core/command.ts";
import { OpsError, toOpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { kindOf } from "../../core/text/field-kind.ts";
import type { Token, ValueToken } from "../../core/text/tokenise.ts";
import type { CliDeps } from "./deps.ts";

/** Longest file: what a request's body may hold (contract, "REST"). */
const FILE_BYTES = 1_048_576;

/**
 * Puts the words of files in the place of `@FILE`, and those of the standard input in the place of `-`, wherever the command's list takes words.
 * In a file white space, commas and semicolons part words, and lines that begin with `#` are notes.
 * @throws OpsError `bad_request` for a file that cannot be read, is too large, or holds no words
 */
export function withFiles(command: Command, tokens: readonly Token[], read: CliDeps["readFile"]): Token[] {
  const isList = (field: string) => {
    const schema = command.input.shape[field.toLowerCase().replaceAll("-", "_")];
    return schema !== undefined && kindOf(schema).list;
  };
  const inWords = command.positional.some(isList);
  return tokens.flatMap((token, at): Token[] => {
    const before = tokens[at - 1];
    const ofFlag = before?.kind === "flag" && !before.value ? isList(before.name) : undefined;
    if (token.kind === "flag") return token.value && isList(token.name) ? ofFlags(token.name, wordsOf(token.value, read)) : [token];
    if (!(ofFlag ?? inWords)) return [token];
    const words = wordsOf(token, read);
    // The flag itself stands there already.
    return ofFlag && before?.kind === "flag" ? [...words.slice(0, 1), ...ofFlags(before.name, words.slice(1))] : words;
  });
}

function ofFlags(name: string, words: readonly ValueToken[]): Token[] {
  return words.map((value) => ({ kind: "flag", name, value }));
}

function wordsOf(token: ValueToken, read: CliDeps["readFile"]): ValueToken[] {
  const { value } = token;
  if (value !== "-" && !/^@./.test(value)) return [token];
  const path = value === "-" ? "-" : value.slice(1);
  const words = contentOf(path, read)
    .split(/\r?\n/)
    .filter((line) => !line.trimStart().startsWith("#"))
    .flatMap((line) => line.split(/[\s,;]+/))
    .filter((word) => word !== "");
  if (words.length === 0) throw new OpsError("bad_request", "a file without words", { text: text("cli.file_empty", { path }) });
  return words.map((word) => ({ kind: "value", value: word, quoted: false }));
}

function contentOf(path: string, read: CliDeps["readFile"]): string {
  let content: string;
  try {
    content = read(path).replace(/^\uFEFF/, "");
  } catch (thrown) {
    const { message } = toOpsError(thrown);
    const reason = thrown instanceof Error && "code" in thrown ? String(thrown.code) : message;
    throw new OpsError("bad_request", `a file cannot be read: ${message}`, { text: text("cli.file_unreadable", { path, reason }) });
  }
  if (content.length <= FILE_BYTES) return content;
  throw new OpsError("bad_request", "a file is too large", { text: text("cli.file_too_large", { path }) });
}
