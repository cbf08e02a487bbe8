import type { OpenApiDocument, Schema } from "../openapi/operation.ts";

/** A field of a body, as a row of a table. */
export interface FieldRow {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/** Nothing of ours nests deeper; a schema that contains itself ends here. */
const MAX_DEPTH = 4;

/** What a reference stands for. */
function resolve(document: OpenApiDocument, schema: Schema): Schema {
  const name = typeof schema["$ref"] === "string" ? schema["$ref"].replace("#/components/schemas/", "") : null;
  return name === null ? schema : (document.components.schemas[name] ?? {});
}

/** The fields of a body. */
export function fieldsOf(document: OpenApiDocument, body: Schema): FieldRow[] {
  const { properties = {}, required = [] } = resolve(document, body) as { properties?: Record<string, Schema>; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    type: typeOf(document, schema, 0),
    required: required.includes(name),
    description: String(schema["description"] ?? ""),
  }));
}

/** A schema's type in a few words: `text or list of text`. */
function typeOf(document: OpenApiDocument, given: Schema, depth: number): string {
  const schema = resolve(document, given);
  const { type, items, anyOf, oneOf, enum: choices, const: only } = schema as Readonly<Record<string, unknown>>;
  if (depth > MAX_DEPTH) return "value";
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(choices)) return choices.map(String).join(" | ");
  const alternatives = anyOf ?? oneOf;
  if (Array.isArray(alternatives)) {
    return [...new Set((alternatives as Schema[]).map((each) => typeOf(document, each, depth + 1)))].join(" or ");
  }
  if (type === "array") return `list of ${items ? typeOf(document, items as Schema, depth + 1) : "values"}`;
  return Array.isArray(type) ? type.map(String).join(" or ") : String(type ?? "value");
}
