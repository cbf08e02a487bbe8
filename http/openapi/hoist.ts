import { refTo, type Schema } from "./operation.ts";

/**
 * Puts a schema that stands alone among the components: its own definitions become components beside it, and what referred to them, or to
 * the schema itself, refers to those.
 * @returns the components it makes, the schema itself under `name`
 */
export function hoist(name: string, schema: object): Record<string, Schema> {
  const { $schema: _dialect, $defs = {}, ...own } = schema as { $schema?: string; $defs?: Record<string, object> };
  const renamed = (ref: string) => (ref === "#" ? refTo(name) : refTo(`${name}_${ref.replace("#/$defs/", "")}`));
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    const { $ref, ...rest } = value as { $ref?: unknown };
    const walked = Object.fromEntries(Object.entries(rest).map(([key, each]) => [key, walk(each)]));
    return typeof $ref === "string" ? { ...walked, ...renamed($ref) } : walked;
  };
  const definitions = Object.entries($defs).map(([key, each]) => [`${name}_${key}`, walk(each) as Schema]);
  return { [name]: walk(own) as Schema, ...Object.fromEntries(definitions) };
}
