import { z } from "zod";
import { notValid } from "./refusal.ts";
import type { Rule } from "./rules.ts";
import type { Shelf } from "./shelf.ts";
import { MODES, TARGETS } from "./values.ts";

/**
 * Unknown parameters are ignored, as the real API does. `per_page` is 1 or a multiple of 5, as Cloudflare's description of the list said
 * (https://test-api-docs-9uk.pages.dev/operations/ip-access-rules-for-a-zone-list-ip-access-rules); 1,000 is the most that clients ask for.
 */
const querySchema = z.object({
  page: z.coerce.number().int().min(1).default(1),
  per_page: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .refine((number) => number === 1 || number % 5 === 0)
    .default(20),
  mode: z.enum(MODES).optional(),
  notes: z.string().optional(),
  match: z.enum(["all", "any"]).default("all"),
  scope_type: z.enum(["zone", "account", "organization", "user"]).optional(),
  "configuration.target": z.enum(TARGETS).optional(),
  "configuration.value": z.string().optional(),
  order: z
    .enum(["configuration.target", "configuration.value", "configuration_target", "configuration_value", "mode", "scope_type"])
    .optional(),
  direction: z.enum(["asc", "desc"]).default("desc"),
});
type Query = z.output<typeof querySchema>;

/** Older clients write configuration_target; a dotted name wins. */
function readQuery(input: Readonly<Record<string, unknown>>): Query {
  const { configuration_target: target, configuration_value: value, ...rest } = input;
  const dotted = {
    ...(target === undefined ? {} : { "configuration.target": target }),
    ...(value === undefined ? {} : { "configuration.value": value }),
  };
  const parsed = querySchema.safeParse({ ...dotted, ...rest });
  if (parsed.success) return parsed.data;
  throw notValid(parsed.error.issues.map(({ path }) => `invalid ${path.join(".")} provided`));
}

type Test = (rule: Rule) => boolean;

/** Whether a rule is wanted; undefined: every one is. */
function wants(query: Query): Test | undefined {
  const target = query["configuration.target"];
  const value = query["configuration.value"]?.toLowerCase();
  const notes = query.notes?.toLowerCase();
  const scope = query.scope_type?.replace("organization", "account");
  const tests: Test[] = [];
  if (scope) tests.push((rule) => rule.scope.type === scope);
  if (query.mode) tests.push((rule) => rule.mode === query.mode);
  if (target) tests.push((rule) => rule.configuration.target === target);
  if (value) tests.push((rule) => rule.configuration.value.toLowerCase() === value);
  if (notes) tests.push((rule) => rule.notes.toLowerCase().includes(notes));
  if (tests.length === 0) return undefined;
  return query.match === "any" ? (rule) => tests.some((test) => test(rule)) : (rule) => tests.every((test) => test(rule));
}

/** What may be found: all rules, or those with the one value that is asked for, which are kept in lower case or in upper case. */
function* candidates(shelves: readonly Shelf[], query: Query): Generator<Rule> {
  const value = query["configuration.value"];
  const only = value && query.match === "all" ? new Set([value.toLowerCase(), value.toUpperCase()]) : undefined;
  for (const shelf of shelves) {
    if (!only) yield* shelf.oldestFirst();
    else for (const spelling of only) yield* shelf.withValue(spelling);
  }
}

function sortKey(order: NonNullable<Query["order"]>): (rule: Rule) => string {
  if (order.endsWith("target")) return (rule) => rule.configuration.target;
  if (order.endsWith("value")) return (rule) => rule.configuration.value;
  return (rule) => (order === "mode" ? rule.mode : rule.scope.type);
}

function find(shelves: readonly Shelf[], query: Query): readonly Rule[] {
  const filled = shelves.filter(({ size }) => size > 0);
  const wanted = wants(query);
  const [only] = filled;
  // Reading a long list page by page in the order of the values is what our own client does: no copy is made.
  if (only && filled.length === 1 && !wanted && query.order?.endsWith("value") && query.direction === "asc") return only.byValue();
  const found: Rule[] = [];
  for (const rule of candidates(filled, query)) if (!wanted || wanted(rule)) found.push(rule);
  if (!query.order) return found;
  const key = sortKey(query.order);
  const sign = query.direction === "asc" ? 1 : -1;
  return found.sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** One page of rules and where it stands. A page past the end is empty: clients ask until they get one. Throws 400. */
export function listRules(
  shelves: readonly Shelf[],
  input: Readonly<Record<string, unknown>>,
): { result: readonly Rule[]; result_info: unknown } {
  const query = readQuery(input);
  const found = find(shelves, query);
  const { page, per_page } = query;
  const result = found.slice((page - 1) * per_page, page * per_page);
  const total_pages = Math.ceil(found.length / per_page);
  return { result, result_info: { page, per_page, count: result.length, total_count: found.length, total_pages } };
}
