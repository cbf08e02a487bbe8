import type { z } from "zod";
import { type Text, text } from "../reply.ts";
import { MASK, secretFields } from "../secret.ts";
import { cut } from "./cut.ts";
import { nearest } from "./distance.ts";
import { type FieldKind, isOptional, kindOf } from "./field-kind.ts";
import { invalidInput } from "./invalid-input.ts";
import type { FlagToken, Token, ValueToken } from "./tokenise.ts";

/** The part of a command that a line is bound to. */
export interface Bindable {
  readonly input: z.ZodObject;
  /** Fields that may be given without a flag, in order. */
  readonly positional: readonly string[];
}

/** A line as an input that is still to be checked by `parseInput`. */
export interface Bound {
  readonly input: Record<string, unknown>;
  /** Required positional fields without a value, in the order in which they are asked for. */
  readonly missing: readonly string[];
  /** What may have been meant, should the input be refused: words that look as if they belonged to a flag. */
  readonly hint?: Text;
}

/** How many letters of a flag may be wrong for it to be guessed. */
const FLAG_DISTANCE = 2;

const YES = ["true", "yes", "on", "1"];
const NO = ["false", "no", "off", "0"];

/** A flag's meaning: its field, and the words given for it, or what its mere presence says. */
interface Flag {
  readonly field: string;
  readonly value: ValueToken | boolean;
}

/**
 * The words after a command's name, put into its fields. Flags may stand anywhere, in kebab or snake case; what is left goes to the
 * positional fields in order. A list takes all that is left, also separated by commas; so do free words at the end, joined by spaces.
 * @throws OpsError `invalid_input` for an unknown or repeated flag, a flag without its value, and a word too many
 */
export function bind(command: Bindable, tokens: readonly Token[]): Bound {
  const kinds = new Map(Object.entries(command.input.shape).map(([name, schema]) => [name, kindOf(schema)]));
  const { flags, words } = sortTokens(kinds, tokens);
  const flagged = bindFlags(kinds, flags);
  const placed = bindWords(command, kinds, words, flagged);
  const input = { ...flagged, ...placed };
  const hint = unquotedHint(kinds, tokens);
  return { input, missing: missingFields(command, input), ...(hint && { hint }) };
}

/** A flag takes one word. Where free words without quotes go on after it (`--reason brute force`), they were probably meant for it too. */
function unquotedHint(kinds: ReadonlyMap<string, FieldKind>, tokens: readonly Token[]): Text | undefined {
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== "flag") continue;
    const { field } = fieldOfFlag(kinds, token.name);
    const [given, next] = [token.value, ...tokens.slice(at + 1, at + 3)].filter((each) => each !== undefined);
    const goesOn = isUnquoted(given) && isUnquoted(next) && /^\p{L}/u.test(next.value);
    if (goesOn && kinds.get(field)?.plain) return text("parse.quote_words", { flag: toFlag(field) });
  }
  return undefined;
}

function isUnquoted(token: Token | undefined): token is ValueToken {
  return token?.kind === "value" && !token.quoted;
}

/** The required positional fields that have no value, in the order in which they are asked for. A required flag is not asked for: `parseInput` says that it is missing. */
export function missingFields({ input: schema, positional }: Bindable, input: Readonly<Record<string, unknown>>): string[] {
  return positional.filter((field) => input[field] === undefined && !isOptional(schema, field));
}

function sortTokens(kinds: ReadonlyMap<string, FieldKind>, tokens: readonly Token[]): { flags: Flag[]; words: ValueToken[] } {
  const flags: Flag[] = [];
  const words: ValueToken[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.kind === "value") words.push(token);
    if (token?.kind !== "flag") continue;
    const next = tokens[at + 1];
    const flag = readFlag(kinds, token, next);
    flags.push(flag);
    if (flag.value === next) at++;
  }
  return { flags, words };
}

function readFlag(kinds: ReadonlyMap<string, FieldKind>, token: FlagToken, next: Token | undefined): Flag {
  const { field, negated } = fieldOfFlag(kinds, token.name);
  if (token.value) return { field, value: token.value };
  if (kinds.get(field)?.base === "boolean") return { field, value: !negated };
  if (next?.kind !== "value") throw invalidInput(field, text("parse.flag_without_value", { flag: toFlag(field) }));
  return { field, value: next };
}

function fieldOfFlag(kinds: ReadonlyMap<string, FieldKind>, typed: string): { field: string; negated: boolean } {
  const wanted = typed.toLowerCase().replaceAll("-", "_");
  const find = (name: string) => [...kinds.keys()].find((field) => field.toLowerCase() === name);
  const field = find(wanted);
  if (field !== undefined) return { field, negated: false };
  const negated = wanted.startsWith("no_") ? find(wanted.slice("no_".length)) : undefined;
  if (negated !== undefined && kinds.get(negated)?.base === "boolean") return { field: negated, negated: true };
  throw invalidInput("", unknownFlag(kinds, typed));
}

function unknownFlag(kinds: ReadonlyMap<string, FieldKind>, typed: string): Text {
  const known = [...kinds.keys()].map(toFlag);
  const flag = `--${cut(typed)}`;
  const meant = nearest(`--${typed.replaceAll("_", "-")}`, known, Math.min(FLAG_DISTANCE, typed.length - 1));
  return meant === undefined
    ? text("parse.unknown_flag", { flag, flags: known.join(", ") || "-" })
    : text("parse.unknown_flag_nearest", { flag, nearest: meant });
}

function toFlag(field: string): string {
  return `--${field.replaceAll("_", "-")}`;
}

function bindFlags(kinds: ReadonlyMap<string, FieldKind>, flags: readonly Flag[]): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const { field, value } of flags) {
    const kind = kinds.get(field);
    const given = typeof value === "boolean" ? value : toValue(kind, [value]);
    const before = input[field];
    if (before === undefined) input[field] = given;
    else if (Array.isArray(before) && Array.isArray(given)) input[field] = [...before, ...given];
    else throw invalidInput(field, text("parse.repeated_flag", { flag: toFlag(field) }));
  }
  return input;
}

function bindWords(
  { input: schema, positional }: Bindable,
  kinds: ReadonlyMap<string, FieldKind>,
  words: readonly ValueToken[],
  flagged: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  // A flag has already given the field its value; only a list can take more.
  const open = positional.filter((field) => flagged[field] === undefined || kinds.get(field)?.list);
  let left = words;
  for (const field of open) {
    if (left.length === 0) break;
    const kind = kinds.get(field);
    const takesAll = kind?.list || (kind?.plain && field === positional.at(-1));
    const taken = takesAll ? left : left.slice(0, 1);
    const value = toValue(kind, taken);
    input[field] = Array.isArray(value) ? [...value, ...toItems(flagged[field])] : value;
    left = left.slice(taken.length);
  }
  if (left.length > 0) throw invalidInput("", text("parse.too_many", { extra: showExtra(schema, left) }));
  return input;
}

function toItems(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What nobody has a field for may be the end of a password. */
function showExtra(schema: z.ZodObject, words: readonly ValueToken[]): string {
  return secretFields(schema).length > 0 ? MASK : cut(words.map(({ value }) => value).join(" "));
}

function toValue(kind: FieldKind | undefined, words: readonly ValueToken[]): unknown {
  if (!kind?.list) return coerce(kind, words.map(({ value }) => value).join(" "));
  return words.flatMap(splitList).map((item) => coerce(kind, item));
}

function splitList({ value, quoted }: ValueToken): string[] {
  return quoted ? [value] : value.split(",").filter((item) => item !== "");
}

/** Words as the type their field takes. What does not fit stays a string, and the schema says what was expected. */
function coerce(kind: FieldKind | undefined, value: string): unknown {
  const word = value.toLowerCase();
  if (kind?.base === "number" && /^[+-]?\d+(?:\.\d+)?$/.test(value) && Math.abs(Number(value)) <= Number.MAX_SAFE_INTEGER)
    return Number(value);
  if (kind?.base === "boolean" && YES.includes(word)) return true;
  if (kind?.base === "boolean" && NO.includes(word)) return false;
  if (kind?.base === "choice") return kind.options.find((option) => option.toLowerCase() === word) ?? value;
  return value;
}
