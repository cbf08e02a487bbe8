import type { FastifyRequest } from "fastify";
import type { Issue } from "../core/errors.ts";
import { text } from "../core/reply.ts";
import type { DialectParameter } from "./deps.ts";

/** What was given, and what is wrong with how it was given. */
export interface GivenParameters {
  readonly given: Readonly<Record<string, string>>;
  readonly issues: readonly Issue[];
}

/**
 * Parameters from the query string and from the body, a form or JSON, whichever a client uses; an empty one is absent. What else is there is
 * no concern of ours: the systems that are replaced did not mind it.
 */
export function givenParameters(
  parameters: readonly DialectParameter[],
  { query, body }: Pick<FastifyRequest, "query" | "body">,
): GivenParameters {
  const given: Record<string, string> = {};
  const issues: Issue[] = [];
  for (const { name } of parameters) {
    const [first, second] = [query, body].map((source) => wordOf(source, name)).filter((word) => word !== undefined);
    if (first === null || second === null) issues.push({ path: name, message: text("http.one_word", { field: name }) });
    else if (second !== undefined && second !== first) issues.push({ path: name, message: text("http.contradiction", { field: name }) });
    else if (first !== undefined) given[name] = first;
  }
  return { given, issues };
}

/** A parameter's value; undefined where it is not there, null where it is no single word. */
function wordOf(source: unknown, name: string): string | null | undefined {
  if (typeof source !== "object" || source === null || !Object.hasOwn(source, name)) return undefined;
  const value = (source as Readonly<Record<string, unknown>>)[name];
  if (value === "" || value === null) return undefined;
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value : null;
}
