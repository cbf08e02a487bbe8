import type { z } from "zod";
import { slugOf } from "../command.ts";
import { secretFields } from "../secret.ts";
import { isOptional, kindOf, metaOf } from "./field-kind.ts";

/** More choices than this are not spelled out. */
const MAX_OPTIONS = 5;

/** The part of a command that says how it is typed. */
interface Typed {
  readonly name: string;
  readonly input: z.ZodObject;
  readonly positional: readonly string[];
}

/**
 * How a command is typed, without a leading slash: `cf_block <ip...> [--reason <text>]`. Positional fields by name, then the other
 * fields as flags with what they take (or the schema's `.meta({ placeholder: "2h" })`); what may be left out stands in brackets.
 */
export function usageOf(command: Typed): string {
  const { input, positional } = command;
  const words = positional.map((name) => wordUsage(input, name));
  const flags = Object.keys(input.shape).filter((name) => !positional.includes(name));
  return [slugOf(command), ...words, ...flags.map((name) => flagUsage(input, name))].join(" ");
}

function wordUsage(input: z.ZodObject, name: string): string {
  const word = `${name}${kindOf(input.shape[name] as z.ZodType).list ? "..." : ""}`;
  return isOptional(input, name) ? `[${word}]` : `<${word}>`;
}

function flagUsage(input: z.ZodObject, name: string): string {
  const taken = placeholder(input, name);
  const flag = `--${name.replaceAll("_", "-")}${taken === "" ? "" : ` <${taken}>`}`;
  return isOptional(input, name) ? `[${flag}]` : flag;
}

function placeholder(input: z.ZodObject, name: string): string {
  const schema = input.shape[name] as z.ZodType;
  const { base, list, options } = kindOf(schema);
  const given = metaOf(schema, "placeholder");
  if (base === "boolean" && !list) return "";
  if (typeof given === "string") return given;
  if (secretFields(input).includes(name)) return "secret";
  if (base === "choice" && options.length <= MAX_OPTIONS) return options.join("|");
  return `${base === "number" ? "number" : "text"}${list ? ",..." : ""}`;
}
