import type { z } from "zod";

/** What a field takes, as far as a line of text needs to know. `other` can only be given as an object (REST). */
export interface FieldKind {
  readonly base: "string" | "number" | "boolean" | "choice" | "other";
  /** Whether it takes several values. Where a field takes one or several, a line always gives several. */
  readonly list: boolean;
  /** A string without format or transformation: free words, which may have spaces. */
  readonly plain: boolean;
  /** The values to choose from, when `base` is `choice`. */
  readonly options: readonly string[];
}

/** Where a field takes one of several things, the first of these that is among them. */
const PREFERRED = ["string", "number", "boolean", "choice", "other"] as const;

/** The schema within an optional, default or similar wrapper, or before a transformation; undefined when nothing is wrapped. */
export function innerSchema(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "readonly":
    case "catch":
      return def.innerType;
    case "lazy":
      return def.getter();
    case "pipe":
      return def.in._zod.def.type === "transform" ? def.out : def.in;
    default:
      return undefined;
  }
}

/** Whether a field of an input may be left out. */
export function isOptional(input: z.ZodObject, name: string): boolean {
  return (input.shape[name] as z.ZodType | undefined)?.isOptional() ?? true;
}

/** What a schema's `.meta()` says under a name, also within its wrappers. */
export function metaOf(schema: z.core.$ZodType, name: string): unknown {
  const inner = innerSchema(schema);
  return (schema as z.ZodType).meta()?.[name] ?? (inner && metaOf(inner, name));
}

/** What a field's schema takes. */
export function kindOf(schema: z.core.$ZodType): FieldKind {
  const inner = innerSchema(schema);
  if (inner) {
    const kind = kindOf(inner);
    return schema._zod.def.type === "pipe" ? { ...kind, plain: false } : kind;
  }
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "string":
      return { ...kind("string"), plain: !("format" in def) };
    case "number":
    case "boolean":
      return kind(def.type);
    case "enum":
      return choice(Object.values(def.entries));
    case "literal":
      return choice(def.values);
    case "array":
      return { ...kindOf(def.element), list: true, plain: false };
    case "union":
      return mergeKinds(def.options.map(kindOf));
    default:
      return kind("other");
  }
}

function kind(base: FieldKind["base"]): FieldKind {
  return { base, list: false, plain: false, options: [] };
}

function choice(values: readonly unknown[]): FieldKind {
  if (values.every((value) => typeof value === "number")) return kind("number");
  if (values.every((value) => typeof value === "boolean")) return kind("boolean");
  return { ...kind("choice"), options: values.map(String) };
}

function mergeKinds(kinds: readonly FieldKind[]): FieldKind {
  const lists = kinds.filter(({ list }) => list);
  const among = lists.length > 0 ? lists : kinds;
  const base = PREFERRED.find((wanted) => among.some((one) => one.base === wanted)) ?? "other";
  return {
    base,
    list: lists.length > 0,
    plain: lists.length === 0 && kinds.some(({ plain }) => plain),
    options: base === "choice" ? among.flatMap(({ options }) => options) : [],
  };
}
