import type { Command } from "../../core/command.ts";
import { OpsError, toOpsError } from "../../core/errors.ts";
import { text } from "../../core/reply.ts";
import { kindOf } from "../../core/text/field-kind.ts";
import type { FlagToken, Token, ValueToken } from "../../core/text/tokenise.ts";
import type { CliDeps } from "./deps.ts";

/** Longest file: what a request's body may hold (contract, "REST"). */
const FILE_BYTES = 1_048_576;

type Read = CliDeps["readFile"];

/**
 * Puts the words of files in the place of `@FILE`, and those of the standard input in the place of `-`, wherever a list of the command takes words.
 * In a file white space, commas and semicolons part words, and lines that begin with `#` are notes.
 * @throws OpsError `bad_request` for a file that cannot be read, is too large, or holds no words
 */
export function withFiles(command: Command, tokens: readonly Token[], read: Read): Token[] {
  const listWanted = command.positional.some((field) => isList(command, field));
  return tokens.flatMap((token, at): Token[] => {
    if (token.kind === "flag") return inFlag(command, token, read);
    const flag = bareFlag(tokens[at - 1]);
    if (flag === undefined) return listWanted ? wordsOf(token, read) : [token];
    return isList(command, flag) ? afterFlag(flag, wordsOf(token, read)) : [token];
  });
}

/** `--ip=@FILE` becomes the flag as often as there are words. */
function inFlag(command: Command, token: FlagToken, read: Read): Token[] {
  const { name, value } = token;
  return value && isList(command, name) ? ofFlag(name, wordsOf(value, read)) : [token];
}

/** The flag itself stands there already. */
function afterFlag(flag: string, [first, ...others]: readonly ValueToken[]): Token[] {
  return first ? [first, ...ofFlag(flag, others)] : [];
}

function isList(command: Command, field: string): boolean {
  const schema = command.input.shape[field.toLowerCase().replaceAll("-", "_")];
  return schema !== undefined && kindOf(schema).list;
}

/** The name of a flag that takes the word after it. */
function bareFlag(token: Token | undefined): string | undefined {
  return token?.kind === "flag" && !token.value ? token.name : undefined;
}

function ofFlag(name: string, words: readonly ValueToken[]): Token[] {
  return words.map((value) => ({ kind: "flag", name, value }));
}

function wordsOf(token: ValueToken, read: Read): ValueToken[] {
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

function contentOf(path: string, read: Read): string {
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
