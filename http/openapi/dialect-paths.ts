import type { CommandListing, DialectRoute } from "../deps.ts";
import { byKey, CONFIRM, problems } from "./components.ts";
import { jsonAnswer, type Operation, type Parameter, type PathItem, type Schema } from "./operation.ts";

const RECEIVED: Schema = {
  type: "object",
  required: ["message", "run_id"],
  additionalProperties: false,
  properties: { message: { type: "string" }, run_id: { type: ["string", "null"] } },
};
const PROBLEMS = [400, 401, 403, 404, 413, 415, 422, 429, 500, 502, 503, 504];

/** The routes of replaced systems whose command is among the listings. */
export function dialectPaths(routes: readonly DialectRoute[], listings: readonly CommandListing[]): Record<string, PathItem> {
  const known = routes.flatMap((route) => {
    const listing = listings.find(({ slug }) => slug === route.command);
    return listing ? [{ route, listing }] : [];
  });
  return Object.fromEntries(
    known.map(({ route, listing }) => {
      const methods = route.methods.map((method) => [method.toLowerCase(), operation(route, listing, method)]);
      return [`/api/v1${route.path}`, Object.fromEntries(methods)];
    }),
  );
}

function operation(route: DialectRoute, { role, effect }: CommandListing, method: "GET" | "POST"): Operation {
  const body = method === "POST" ? { requestBody: bodyOf(route) } : {};
  const asks = effect === "read" || effect === "write" ? {} : { 409: CONFIRM };
  return {
    operationId: `${method.toLowerCase()}${route.path.replaceAll("/", "_")}`,
    tags: ["Infra service"],
    summary: route.summary,
    description: "Parameters may come in the query, as a form or as JSON. The same request joins the run that is still open for that chat.",
    "x-role": role,
    "x-effect": effect,
    parameters: method === "GET" ? route.parameters.map(toParameter) : [byKey],
    ...body,
    responses: { 202: jsonAnswer("Accepted.", RECEIVED), ...asks, ...problems(...PROBLEMS) },
  };
}

function toParameter({ name, description, example }: DialectRoute["parameters"][number]): Parameter {
  return { name, in: "query", required: true, description, schema: { type: "string" }, example };
}

function bodyOf({ parameters }: DialectRoute): NonNullable<Operation["requestBody"]> {
  const properties = Object.fromEntries(parameters.map(({ name, description }) => [name, { type: "string", description }]));
  const schema = { type: "object", required: parameters.map(({ name }) => name), properties };
  const value = Object.fromEntries(parameters.map(({ name, example }) => [name, example]));
  const media = { schema, examples: { example: { value } } };
  return { content: { "application/json": media, "application/x-www-form-urlencoded": media } };
}
