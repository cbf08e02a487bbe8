import { text } from "../reply.ts";
import { invalidInput } from "./invalid-input.ts";
import { closingQuote, opensQuote, unescapeQuoted } from "./quotes.ts";

/** A word of a line; what was quoted is only ever a value, and is not split at commas. */
export interface ValueToken {
  readonly kind: "value";
  readonly value: string;
  readonly quoted: boolean;
}

/** `--name`, or `--name=value`. */
export interface FlagToken {
  readonly kind: "flag";
  /** As typed, without the dashes. */
  readonly name: string;
  readonly value: ValueToken | undefined;
}

/** A part of a line. */
export type Token = ValueToken | FlagToken;

const SPACES = /\s*/y;
const WORD = /\S*/y;
/** Two dashes and a letter; `-12345678`, a chat's id, is a value. */
const FLAG = /--(\p{L}[^\s=]*)(=?)/uy;

/**
 * The words, quotations and flags of a normalised line. After a bare `--` everything is a value.
 * @throws OpsError `invalid_input` when a quotation is never closed
 */
export function tokenise(line: string): Token[] {
  const tokens: Token[] = [];
  let flagsEnded = false;
  let at = skipSpaces(line, 0);
  while (at < line.length) {
    const { token, end } = readToken(line, at, flagsEnded);
    if (isEndOfFlags(token, flagsEnded)) flagsEnded = true;
    else tokens.push(token);
    at = skipSpaces(line, end);
  }
  return tokens;
}

function isEndOfFlags(token: Token, flagsEnded: boolean): boolean {
  return !flagsEnded && token.kind === "value" && !token.quoted && token.value === "--";
}

function readToken(line: string, at: number, flagsEnded: boolean): { token: Token; end: number } {
  FLAG.lastIndex = at;
  const flag = flagsEnded ? null : FLAG.exec(line);
  if (!flag) return readValue(line, at);
  const [whole, name = "", equals] = flag;
  const end = at + whole.length;
  if (!equals || end === line.length || /\s/.test(line.charAt(end))) return { token: { kind: "flag", name, value: undefined }, end };
  const value = readValue(line, end);
  return { token: { kind: "flag", name, value: value.token }, end: value.end };
}

function readValue(line: string, at: number): { token: ValueToken; end: number } {
  const opener = line[at];
  if (!opensQuote(opener)) {
    const value = readWord(line, at);
    return { token: { kind: "value", value, quoted: false }, end: at + value.length };
  }
  const close = closingQuote(line, at);
  if (close === -1) throw invalidInput("", text("parse.unclosed_quote"));
  const rest = readWord(line, close + 1);
  const value = unescapeQuoted(line.slice(at + 1, close), opener) + rest;
  return { token: { kind: "value", value, quoted: true }, end: close + 1 + rest.length };
}

function readWord(line: string, at: number): string {
  WORD.lastIndex = at;
  return WORD.exec(line)?.[0] ?? "";
}

function skipSpaces(line: string, at: number): number {
  SPACES.lastIndex = at;
  return at + (SPACES.exec(line)?.[0].length ?? 0);
}
