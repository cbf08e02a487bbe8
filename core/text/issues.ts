import type { z } from "zod";
import type { Issue } from "../errors.ts";
import { type Text, text } from "../reply.ts";
import { secretFields } from "../secret.ts";
import { hasControlCharacter } from "./characters.ts";
import { nearest } from "./distance.ts";
import { invalidInput, invalidInputs } from "./invalid-input.ts";
import { toIssues, unknownField } from "./sentence.ts";

/** How deep an input may be nested; commands need two or three. */
const MAX_DEPTH = 16;
/** How many unknown fields are named. */
const MAX_UNKNOWN = 5;
/** How many letters of a field's name may be wrong for it to be guessed. */
const NAME_DISTANCE = 2;

/** Names that reach an object's prototype where they are used carelessly. */
const PROTOTYPE_KEYS = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Checks the input of a command, from whatever surface, and gives it back parsed.
 * @throws OpsError `invalid_input`: with one issue per thing that is wrong, and the first one's sentence as its text
 */
export function parseInput<In extends z.ZodObject>(command: { readonly input: In }, object: unknown): z.infer<In> {
  if (typeof object !== "object" || object === null || Array.isArray(object)) throw invalidInput("", text("parse.not_an_object"));
  const refused = [...unknownFields(command.input, object), ...unstorable(object)];
  if (refused.length > 0) throw invalidInputs(refused);
  const parsed = command.input.safeParse(object);
  if (!parsed.success) throw invalidInputs(toIssues(parsed.error, { input: object, secret: secretFields(command.input) }));
  return parsed.data as z.infer<In>;
}

function unknownFields(schema: z.ZodObject, object: object): Issue[] {
  const names = Object.keys(schema.shape);
  return Object.keys(object)
    .filter((name) => !names.includes(name))
    .slice(0, MAX_UNKNOWN)
    .map((name) => ({ path: name, message: unknownField(name, nearest(name, names, NAME_DISTANCE)) }));
}

/** The first thing, at any depth, that must not reach the database: a control character, a key of a prototype, endless nesting. */
function unstorable(object: object): Issue[] {
  // A list of what is still to be looked at instead of recursion: a body of 1 MiB can nest deeper than the stack.
  const open: Part[] = [{ value: object, path: [] }];
  for (let part = open.pop(); part; part = open.pop()) {
    const message = refusal(part);
    if (message) return [{ path: part.path.join("."), message }];
    open.push(...partsOf(part));
  }
  return [];
}

/** A value somewhere in an input. */
interface Part {
  readonly value: unknown;
  readonly path: readonly string[];
}

function refusal({ value, path }: Part): Text | undefined {
  const key = path.at(-1) ?? "";
  if (path.length > 1 && (PROTOTYPE_KEYS.has(key) || hasControlCharacter(key))) return unknownField(path.join("."), undefined);
  if (typeof value === "string" && hasControlCharacter(value)) return text("parse.control_character_in", { field: path.join(".") });
  return path.length > MAX_DEPTH ? text("parse.too_deep", { field: path[0] ?? "" }) : undefined;
}

function partsOf({ value, path }: Part): Part[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).map(([key, part]) => ({ value: part, path: [...path, key] }));
}
