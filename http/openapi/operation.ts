/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type Schema = Readonly<Record<string, unknown>>;

/** A value with the name it has among examples. */
export interface Example {
  readonly summary?: string;
  readonly value: unknown;
}

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description: string;
  readonly schema: Schema;
  readonly example?: string | number;
}

/** What one media type holds. */
export interface Media {
  readonly schema: Schema;
  readonly examples?: Readonly<Record<string, Example>>;
}

/** An answer, or a reference to one of the components. */
export type Response =
  | { readonly $ref: string }
  | {
      readonly description: string;
      readonly content?: Readonly<Record<string, Media>>;
      readonly headers?: Readonly<Record<string, unknown>>;
    };

/** One method of one path. https://spec.openapis.org/oas/v3.1.1.html#operation-object */
export interface Operation {
  readonly operationId: string;
  readonly tags: readonly [string];
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, Response>>;
  /** The role that the caller needs, and of a command what it does to the world and how it runs. */
  readonly "x-role"?: string;
  readonly "x-effect"?: string;
  readonly "x-execution"?: string;
}

/** The methods of a path. */
export type PathItem = Readonly<Partial<Record<"get" | "post" | "delete", Operation>>>;

/** The document, as far as it is ours. */
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly summary: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Response>>;
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

/** A reference to a schema of the components. */
export const refTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** An answer in JSON. */
export function jsonAnswer(description: string, schema: Schema): Response {
  return { description, content: { "application/json": { schema } } };
}
