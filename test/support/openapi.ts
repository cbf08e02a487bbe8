import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Example, OpenApiDocument, Operation, Parameter, Schema } from "../../http/openapi/operation.ts";

/** A request that a document gives as an example. */
export interface ExampleRequest {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly content_type?: string;
  readonly body?: string;
}

/** An answer of a server. */
export interface Answered {
  readonly status: number;
  readonly content_type: string;
  readonly body: string;
}

/** Every operation of a document. */
export function operationsOf({ paths }: OpenApiDocument): { method: string; path: string; operation: Operation }[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    (Object.entries(item) as [string, Operation][]).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/** Every example of a document, as a request; operations without any are asked as they are, if their path says enough. */
export function examplesOf(document: OpenApiDocument): ExampleRequest[] {
  return operationsOf(document).flatMap(({ method, path, operation }) => {
    const url = urlOf(path, operation);
    if (url === null) return [];
    const bodies = Object.entries(operation.requestBody?.content ?? {}).flatMap(([content_type, { examples = {} }]) =>
      Object.entries(examples).map(([name, { value }]: [string, Example]) => ({
        name: `${method} ${path} ${content_type} ${name}`,
        content_type,
        body: content_type === "application/json" ? JSON.stringify(value) : new URLSearchParams(value as Record<string, string>).toString(),
      })),
    );
    return (bodies.length > 0 ? bodies : [{ name: `${method} ${path}` }]).map((each) => ({ method, path, url, ...each }));
  });
}

/** The path and query with the parameters' examples; null where one in the path has none. */
function urlOf(path: string, operation: Operation): string | null {
  const parameters = (operation.parameters ?? []).filter((each): each is Parameter => !("$ref" in each));
  const filled = path.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    String(parameters.find((each) => each.name === name)?.example ?? whole),
  );
  const query = parameters.filter((each) => each.in === "query" && each.example !== undefined);
  const words = new URLSearchParams(Object.fromEntries(query.map(({ name, example }) => [name, String(example)])));
  return filled.includes("{") ? null : `${filled}${words.size > 0 ? `?${words}` : ""}`;
}

/** Holds an answer against what the document says of it. @returns what is wrong, nothing where it is as described */
export function createAnswerCheck(document: OpenApiDocument) {
  const ajv = new Ajv2020.default({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "document", ...document });
  return (request: Pick<ExampleRequest, "method" | "path">, { status, content_type, body }: Answered): string[] => {
    const type = content_type.split(";")[0] ?? "";
    const schema = describedAs(document, request, { status, type });
    if (schema === null) return [`${status} as ${type} is not described: ${body.slice(0, 200)}`];
    if (!type.endsWith("json")) return [];
    const check = ajv.compile(withDocument(schema));
    return check(JSON.parse(body))
      ? []
      : (check.errors ?? []).map((error) => `${error.instancePath} ${error.message}: ${body.slice(0, 300)}`);
  };
}

function describedAs(
  { paths, components }: OpenApiDocument,
  { method, path }: Pick<ExampleRequest, "method" | "path">,
  { status, type }: { readonly status: number; readonly type: string },
): Schema | null {
  const listed = paths[path]?.[method.toLowerCase() as "get" | "post" | "delete"]?.responses[String(status)];
  if (!listed) return null;
  const answer = "$ref" in listed ? components.responses[listed.$ref.split("/").at(-1) ?? ""] : listed;
  return (answer && "content" in answer && answer.content?.[type]?.schema) || null;
}

/** References within the document, as seen from outside of it. */
function withDocument(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as object;
}
