import type { Locale } from "../../core/locale.ts";
import type { CommandListing } from "../deps.ts";
import { byKey, CONFIRM, doneAnswer, problems, QUEUED } from "./components.ts";
import { hoist } from "./hoist.ts";
import { jsonAnswer, type Operation, type PathItem, type Response, refTo, type Schema } from "./operation.ts";

/** What may go wrong with any command; what its provider does is in the run of a queued one. */
const PROBLEMS = [400, 401, 403, 404, 413, 415, 422, 429, 500, 503];
const INLINE_PROBLEMS = [...PROBLEMS, 502, 504];

/** The inputs and outputs of commands. */
export function commandSchemas(listings: readonly CommandListing[]): Record<string, Schema> {
  const each = listings.map(({ slug, input_schema, output_schema }) => ({
    ...hoist(`${slug}_input`, input_schema),
    ...hoist(`${slug}_output`, output_schema),
  }));
  return Object.assign({}, ...each);
}

/** A path of its own for each command, though one route serves them all. */
export function commandPaths(listings: readonly CommandListing[], locale: Locale): Record<string, PathItem> {
  return Object.fromEntries(listings.map((listing) => [`/api/v1/commands/${listing.slug}`, { post: operation(listing, locale) }]));
}

function operation(listing: CommandListing, locale: Locale): Operation {
  const { slug, role, effect, mode, summary } = listing;
  const examples = listing.exampleInputs(locale).map(({ line, input }, at) => [`example_${at + 1}`, { summary: line, value: input }]);
  return {
    operationId: slug,
    tags: ["Commands"],
    summary: summary(locale),
    "x-role": role,
    "x-effect": effect,
    "x-execution": mode,
    parameters: [byKey],
    requestBody: { content: { "application/json": { schema: refTo(`${slug}_input`), examples: Object.fromEntries(examples) } } },
    responses: answers(listing),
  };
}

/** What is always dangerous is done or queued by its confirmation alone. */
function answers({ slug, effect, mode }: CommandListing): Record<string, Response> {
  const ends: Record<string, Response> =
    mode === "queued" ? { 202: QUEUED } : { 200: jsonAnswer("Done.", doneAnswer(refTo(`${slug}_output`))) };
  const asks: Record<string, Response> = effect === "dangerous" || effect === "depends" ? { 409: CONFIRM } : {};
  return { ...(effect === "dangerous" ? {} : ends), ...asks, ...problems(...(mode === "queued" ? PROBLEMS : INLINE_PROBLEMS)) };
}
