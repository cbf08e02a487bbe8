import { z } from "zod";
import { problems } from "./components.ts";
import { jsonAnswer, type Operation, type PathItem, type Response, type Schema } from "./operation.ts";

const Part = z.object({ part: z.string(), state: z.enum(["ok", "degraded", "down"]), note: z.string().optional() });
const Readiness = z.object({
  status: z.enum(["ok", "degraded", "down"]),
  degraded: z.array(z.string()).optional().describe("Parts that do not work as they should; for whoever has a role"),
  parts: z.array(Part).optional(),
});

const OPEN = { security: [{}] } as const;

const textAnswer = (description: string, type: string): Response => ({ description, content: { [type]: { schema: { type: "string" } } } });

/** What watches the process, and these pages. */
export function systemPaths(): Record<string, PathItem> {
  const readiness = jsonSchema(Readiness);
  const get = (operationId: string, summary: string, rest: Pick<Operation, "responses"> & Partial<Operation>): PathItem => ({
    get: { operationId, tags: ["System"], summary, ...rest },
  });
  return {
    "/healthz": get("healthz", "Whether the process lives", { ...OPEN, responses: { 200: jsonAnswer("It does.", jsonSchema(Health)) } }),
    "/readyz": get("readyz", "Whether it can accept work", {
      ...OPEN,
      responses: { 200: jsonAnswer("It can, perhaps with less.", readiness), 503: jsonAnswer("No database or queue.", readiness) },
    }),
    "/metrics": get("metrics", "Measures for Prometheus", {
      "x-role": "viewer",
      responses: { 200: textAnswer("Prometheus' text form.", "text/plain"), ...problems(401, 403, 429) },
    }),
    "/openapi.json": get("openapi", "This document", {
      description: "It holds what you may call, in the language of Accept-Language.",
      "x-role": "ingest",
      responses: { 200: jsonAnswer("OpenAPI 3.1.", { type: "object" }), ...problems(401, 403, 429) },
    }),
    "/docs": get("docs", "This document as a page", {
      "x-role": "viewer",
      responses: { 200: textAnswer("A page.", "text/html"), ...problems(401, 403, 429) },
    }),
  };
}

const Health = z.object({ status: z.literal("ok") });

function jsonSchema(schema: z.ZodType): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "output" });
  return rest as Schema;
}
