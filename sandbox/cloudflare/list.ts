import { z } from "zod";
import { notValid } from "./refusal.ts";
import type { Rule } from "./rules.ts";
import { MODES, TARGETS } from "./values.ts";

/** Unknown parameters are ignored, as the real API does. */
const querySchema = z.object({
  page: z.coerce.number().int().min(1).default(1),
  per_page: z.coerce.number().int().min(1).max(1_000).default(20),
  mode: z.enum(MODES).optional(),
  notes: z.string().optional(),
  match: z.enum(["all", "any"]).default("all"),
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

function wants(query: Query): (rule: Rule) => boolean {
  const target = query["configuration.target"];
  const value = query["configuration.value"];
  const notes = query.notes?.toLowerCase();
  const tests: ((rule: Rule) => boolean)[] = [];
  if (query.mode) tests.push((rule) => rule.mode === query.mode);
  if (target) tests.push((rule) => rule.configuration.target === target);
  if (value) tests.push((rule) => rule.configuration.value.toLowerCase() === value.toLowerCase());
  if (notes) tests.push((rule) => rule.notes.toLowerCase().includes(notes));
  if (tests.length === 0) return () => true;
  return (rule) => (query.match === "any" ? tests.some((test) => test(rule)) : tests.every((test) => test(rule)));
}

function sortKey(order: NonNullable<Query["order"]>): (rule: Rule) => string {
  if (order.endsWith("target")) return (rule) => rule.configuration.target;
  if (order.endsWith("value")) return (rule) => rule.configuration.value;
  return (rule) => (order === "mode" ? rule.mode : rule.scope.type);
}

/** One page of rules and where it stands. A page past the end is empty: clients ask until they get one. Throws 400. */
export function listRules(
  rules: readonly Rule[],
  input: Readonly<Record<string, unknown>>,
): { result: readonly Rule[]; result_info: unknown } {
  const query = readQuery(input);
  const found = rules.filter(wants(query));
  if (query.order) {
    const key = sortKey(query.order);
    const sign = query.direction === "asc" ? 1 : -1;
    found.sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  }
  const { page, per_page } = query;
  const result = found.slice((page - 1) * per_page, page * per_page);
  const total_pages = Math.ceil(found.length / per_page);
  return { result, result_info: { page, per_page, count: result.length, total_count: found.length, total_pages } };
}
