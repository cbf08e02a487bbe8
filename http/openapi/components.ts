import { z } from "zod";
import { ERROR_CODES, type ErrorCode } from "../../core/errors.ts";
import { RUN_STATUSES } from "../../core/run.ts";
import { hoist } from "./hoist.ts";
import { jsonAnswer, type Parameter, type Response, refTo, type Schema } from "./operation.ts";

const CODES = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]];

/** The body of every error. */
export const Problem = z
  .object({
    status: z.int(),
    code: z.enum(CODES).describe("What went wrong, for programs"),
    title: z.string(),
    detail: z.string().describe("What went wrong and what to do next, in the language of Accept-Language"),
    errors: z.array(z.object({ path: z.string().describe("The field or parameter"), message: z.string() })).optional(),
    request_id: z.string(),
  })
  .describe("Why a request was refused or failed (RFC 9457)");

const Field = z.object({ label: z.string(), value: z.string(), code: z.boolean().optional() });
const Action = z.union([
  z.object({ kind: z.enum(["confirm", "cancel"]), token: z.string() }),
  z.object({ kind: z.literal("say"), line: z.string() }),
]);
const File = z.object({ name: z.string(), media_type: z.enum(["text/csv", "text/plain"]), content: z.string() });

const Series = z.object({
  name: z.string(),
  total: z.string().describe("As people read it"),
  values: z.array(z.number()).describe("One a span, the oldest first"),
});
const Chart = z.object({
  kind: z.literal("bars"),
  from: z.iso.datetime().describe("When the first span begins"),
  until: z.iso.datetime().describe("When it was counted; the last span may not be over"),
  span_s: z.int(),
  series: z.array(Series),
  zone: z.string().describe("The time zone in which to show it"),
});

const Reply = z
  .object({
    tone: z.enum(["ok", "info", "pending", "warn", "error"]),
    title: z.string(),
    text: z.string().describe("All of it as plain text"),
    lines: z.array(z.string()).optional(),
    fields: z.array(Field).optional(),
    table: z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.string())) }).optional(),
    chart: Chart.optional(),
    undo: z.object({ label: z.string(), line: z.string().describe("The line that takes it back") }).optional(),
    buttons: z.array(z.object({ label: z.string(), action: Action })).optional(),
    file: File.optional(),
  })
  .describe("The answer as a person reads it, in the language of Accept-Language");

const Run = z.object({
  run_id: z.string(),
  command: z.string(),
  input: z.record(z.string(), z.unknown()).describe("As it was understood; secrets are masked"),
  status: z.enum(RUN_STATUSES),
  person: z.string().describe("The identity that asked"),
  attempts: z.int(),
  created_at: z.iso.datetime(),
  started_at: z.iso.datetime().nullable(),
  finished_at: z.iso.datetime().nullable(),
  output: z.unknown().describe("The command's output, once it succeeded"),
  output_left_out: z.literal(true).optional().describe("In a list: the output is too large for it, and null; ask for the run itself"),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
});

const Command = z.object({
  name: z.string(),
  slug: z.string(),
  aliases: z.array(z.string()),
  summary: z.string(),
  role: z.enum(["viewer", "operator", "admin"]),
  effect: z.enum(["read", "write", "dangerous", "depends"]),
  input: z.record(z.string(), z.unknown()).describe("JSON Schema of the body of its route"),
  examples: z.array(z.string()).describe("Lines as they are typed in a chat"),
});

/** Of an answer to /ask: names the dialogue it belongs to. */
const conversation = { conversation: { type: "string" } };

/** The answer of something that is done. */
export function doneAnswer(output: Schema): Schema {
  const properties = { outcome: { const: "done" }, run_id: { type: "string" }, output, reply: refTo("Reply"), ...conversation };
  return { type: "object", required: ["outcome", "output", "reply"], additionalProperties: false, properties };
}

function outcome(kind: string, own: Readonly<Record<string, Schema>>): Schema {
  const properties = { outcome: { const: kind }, ...own, reply: refTo("Reply"), ...conversation };
  return { type: "object", required: ["outcome", ...Object.keys(own), "reply"], additionalProperties: false, properties };
}

const word = { type: "string" };

/** The schemas that every part of the document uses. */
export function sharedSchemas(): Record<string, Schema> {
  const made = Object.entries({ Problem, Reply, Run, Command }).map(([name, schema]) =>
    hoist(name, z.toJSONSchema(schema, { io: "output" })),
  );
  return Object.assign(
    {
      Queued: outcome("queued", { run_id: word, status_url: { type: "string", description: "Where to ask what became of it" } }),
      Confirm: outcome("confirm", {
        token: { type: "string", description: "POST /api/v1/confirmations/{token} runs it, DELETE drops it" },
      }),
      Ask: outcome("ask", { field: { type: "string", description: "The field that is asked for" } }),
      Suggest: outcome("suggest", { commands: { type: "array", items: word } }),
    },
    ...made,
  );
}

export const QUEUED: Response = jsonAnswer("Accepted: it is stored, and a worker carries it out.", refTo("Queued"));
export const CONFIRM: Response = jsonAnswer("Dangerous: nothing is done until it is confirmed.", refTo("Confirm"));

/** The header of what may succeed later. */
export const RETRY_AFTER = { "Retry-After": { description: "Seconds after which it is worth asking again", schema: { type: "integer" } } };

/** One answer for each status of the table of errors, with the codes it may carry. */
export function problemResponses(): Record<string, Response> {
  const statuses = [...new Set(CODES.map((code) => ERROR_CODES[code].status))].sort();
  return Object.fromEntries(
    statuses.map((status) => {
      const codes = CODES.filter((code) => ERROR_CODES[code].status === status).join(", ");
      const headers = status === 429 || status === 503 ? { headers: RETRY_AFTER } : {};
      return [
        `Problem${status}`,
        { description: codes, content: { "application/problem+json": { schema: refTo("Problem") } }, ...headers },
      ];
    }),
  );
}

/** References to the answers of these statuses. */
export function problems(...statuses: readonly number[]): Record<string, Response> {
  return Object.fromEntries(statuses.map((status) => [String(status), { $ref: `#/components/responses/Problem${status}` }]));
}

export const IDEMPOTENCY_KEY: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  description: "Makes the request safe to repeat for 24 hours: the same run, the same answer",
  schema: { type: "string", pattern: "^[\\x21-\\x7e]{1,255}$" },
};

/** Every POST takes it. */
export const byKey = { $ref: "#/components/parameters/IdempotencyKey" } as const;
