import type { z } from "zod";
import type { Issue } from "../errors.ts";
import { type Text, type TextParam, text } from "../reply.ts";
import { MASK } from "../secret.ts";
import { cut } from "./cut.ts";
import { MAX_ISSUES } from "./invalid-input.ts";

/** A schema's own message that begins so is the key of a text; it is given the params `field` and `value`. */
const TEXT_PREFIX = "text:";

/** What issues are told of besides the error: the input, and the fields whose values must not be repeated. */
export interface IssueContext {
  readonly input: unknown;
  readonly secret: readonly string[];
}

type ZodIssue = z.core.$ZodIssue;
type Params = Readonly<Record<string, TextParam>>;

/** zod's names of types and formats -> what a person is told was expected. */
const EXPECTED: Readonly<Record<string, string>> = {
  string: "text",
  number: "number",
  int: "whole_number",
  boolean: "yes_or_no",
  array: "list",
  object: "object",
  record: "object",
  email: "email",
  url: "url",
  uuid: "uuid",
  datetime: "date_time",
  date: "date",
  time: "time",
  duration: "duration",
};

/** zod's findings as sentences that name the field and what was expected. */
export function toIssues(error: z.core.$ZodError, context: IssueContext): Issue[] {
  return error.issues
    .flatMap(chooseBranch)
    .slice(0, MAX_ISSUES)
    .map((issue) => toIssue(issue, context));
}

/** Of the things a field may be, the findings about the one it was most likely meant to be: the first that has the right type. */
function chooseBranch(issue: ZodIssue): ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const meant = issue.errors.find(([first]) => first && !(first.code === "invalid_type" && first.path.length === 0));
  return meant ? meant.map((found) => ({ ...found, path: [...issue.path, ...found.path] })).flatMap(chooseBranch) : [issue];
}

function toIssue(issue: ZodIssue, context: IssueContext): Issue {
  const path = issue.path.map(String).join(".");
  const value = valueAt(context.input, issue.path);
  const shown = context.secret.includes(String(issue.path[0])) ? MASK : show(value);
  const count = Array.isArray(value) ? value.length : undefined;
  return { path, message: sentence(issue, { missing: value === undefined, count }, { field: path, value: shown }) };
}

/** What a sentence needs to know of the value besides how it is shown. */
interface Value {
  readonly missing: boolean;
  /** Of a list. */
  readonly count: number | undefined;
}

function sentence(issue: ZodIssue, { missing, count }: Value, params: { field: string; value: string }): Text {
  const { field } = params;
  if (missing && ["invalid_type", "invalid_value", "invalid_union"].includes(issue.code)) return text("parse.required", { field });
  if (issue.message.startsWith(TEXT_PREFIX)) return text(issue.message.slice(TEXT_PREFIX.length), params);
  switch (issue.code) {
    case "invalid_type":
      return text("parse.expected", { field, expected: expected(issue.expected) });
    case "invalid_union":
      return text("parse.expected", { field, expected: eitherOf(issue) });
    case "invalid_format":
      return issue.format in EXPECTED
        ? text("parse.expected", { field, expected: expected(issue.format) })
        : text("parse.bad_form", { field });
    case "invalid_value":
      return text("parse.not_one_of", { field, options: cut(issue.values.map(String).join(", "), 200) });
    case "too_big":
      return text(tooBig(issue), { field, max: Number(issue.maximum), ...(count !== undefined && { count }) });
    case "too_small":
      return text(tooSmall(issue), { field, min: Number(issue.minimum) });
    case "unrecognized_keys":
      return unknownField([field, issue.keys[0]].filter(Boolean).join("."), undefined);
    default:
      return text("parse.invalid", { field });
  }
}

/** A field that the command does not have, and the one that was probably meant. */
export function unknownField(field: string, nearest: string | undefined): Text {
  const params: Params = { field: cut(field) };
  return nearest === undefined ? text("parse.unknown_field", params) : text("parse.unknown_field_nearest", { ...params, nearest });
}

function expected(type: string): Text {
  return text(`parse.type.${EXPECTED[type] ?? "other"}`);
}

function eitherOf(issue: z.core.$ZodIssueInvalidUnion): Text {
  const types = issue.errors.map(([first]) => (first?.code === "invalid_type" ? expected(first.expected) : expected("")));
  return types.reduce((left, right) => text("parse.type.either", { left, right }));
}

function tooBig(issue: z.core.$ZodIssueTooBig): string {
  if (issue.origin === "string") return "parse.too_long";
  if (issue.origin === "array") return "parse.too_many_items";
  return issue.inclusive === false ? "parse.not_below" : "parse.too_big";
}

function tooSmall(issue: z.core.$ZodIssueTooSmall): string {
  if (issue.origin === "string") return "parse.too_short";
  if (issue.origin === "array") return "parse.too_few_items";
  return issue.inclusive === false ? "parse.not_above" : "parse.too_small";
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "[…]";
  return typeof value === "object" && value !== null ? "{…}" : cut(String(value));
}
