import type { z } from "zod";
import { innerSchema } from "./text/field-kind.ts";

/** What is shown in place of a secret. */
export const MASK = "***";

/** The fields of an input that are, or hold, a secret: those whose schema says `.meta({ secret: true })` at any depth. */
export function secretFields(schema: z.ZodObject): string[] {
  return Object.keys(schema.shape).filter((name) => holdsSecret(schema.shape[name], 0));
}

/** A copy of an input in which every secret that was given is replaced. The input need not be valid. */
export function maskSecrets(schema: z.ZodObject, input: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const secret = new Set(secretFields(schema));
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, secret.has(name) && value !== undefined ? MASK : value]));
}

/** Schemas that contain themselves end here. */
const MAX_DEPTH = 8;

function holdsSecret(schema: z.core.$ZodType | undefined, depth: number): boolean {
  if (!schema || depth > MAX_DEPTH) return false;
  if ((schema as z.ZodType).meta()?.["secret"] === true) return true;
  return partsOf(schema).some((part) => holdsSecret(part, depth + 1));
}

function partsOf(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const inner = innerSchema(schema);
  if (inner) return [inner];
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "array") return [def.element];
  if (def.type === "union") return def.options;
  if (def.type === "object") return Object.values(def.shape);
  return def.type === "record" ? [def.valueType] : [];
}
