import { z } from "zod";
import type { Locale } from "../../core/locale.ts";
import type { CommandListing } from "../deps.ts";
import { Question } from "../routes/ask.ts";
import { RunQuery } from "../routes/runs.ts";
import { byKey, CONFIRM, doneAnswer, problems, QUEUED } from "./components.ts";
import { jsonAnswer, type Operation, type Parameter, type PathItem, refTo, type Schema } from "./operation.ts";

const TOKEN: Parameter = {
  name: "token",
  in: "path",
  required: true,
  description: "From the answer that asked",
  schema: { type: "string", pattern: "^[\\w-]{1,200}$" },
};
const RUN_ID: Parameter = {
  name: "run_id",
  in: "path",
  required: true,
  description: "The run's id, 12 letters and digits",
  schema: { type: "string" },
  example: "7k2m9qd04xvb",
};

/** The routes of the API besides the commands' own. */
export function apiPaths(listings: readonly CommandListing[], locale: Locale): Record<string, PathItem> {
  return {
    "/api/v1/commands": { get: LIST },
    "/api/v1/ask": { post: ask(lineToSay(listings, locale)) },
    "/api/v1/confirmations/{token}": { post: CONFIRMATION, delete: CANCELLATION },
    "/api/v1/runs": { get: listRuns() },
    "/api/v1/runs/{run_id}": { get: ONE_RUN },
  };
}

const listOf = (name: string, items: Schema, more: Readonly<Record<string, Schema>> = {}): Schema => {
  const properties = { [name]: { type: "array", items }, ...more };
  return { type: "object", required: Object.keys(properties), additionalProperties: false, properties };
};

const LIST: Operation = {
  operationId: "list_commands",
  tags: ["Commands"],
  summary: "The commands that you may run",
  "x-role": "viewer",
  responses: { 200: jsonAnswer("All of them.", listOf("commands", refTo("Command"))), ...problems(401, 403, 429, 500, 503) },
};

/** A line that changes nothing, if there is a command for it. */
function lineToSay(listings: readonly CommandListing[], locale: Locale): string | undefined {
  return listings.find(({ effect }) => effect === "read")?.examples(locale)[0];
}

function ask(line: string | undefined): Operation {
  const { $schema: _, ...schema } = z.toJSONSchema(Question, { io: "input" });
  const examples = line === undefined ? {} : { line: { summary: line, value: { text: line } } };
  return {
    operationId: "ask",
    tags: ["Conversation"],
    summary: "Say a line as in a chat",
    description: "What is missing is asked for; the answer goes into the same conversation.",
    "x-role": "viewer",
    parameters: [byKey],
    requestBody: {
      required: true,
      content: { "application/json": { schema, examples } },
    },
    responses: {
      200: jsonAnswer("Done, a question, or suggestions.", { oneOf: [doneAnswer({}), refTo("Ask"), refTo("Suggest")] }),
      202: QUEUED,
      409: CONFIRM,
      ...problems(400, 401, 403, 404, 413, 415, 422, 429, 500, 502, 503, 504),
    },
  };
}

const CONFIRMATION: Operation = {
  operationId: "confirm",
  tags: ["Conversation"],
  summary: "Do what was asked to be confirmed",
  description: "A token is good for 10 minutes, once, and for the person it was given to.",
  "x-role": "viewer",
  parameters: [TOKEN, byKey],
  responses: { 200: jsonAnswer("Done.", doneAnswer({})), 202: QUEUED, ...problems(401, 403, 404, 422, 429, 500, 502, 503, 504) },
};

const CANCELLATION: Operation = {
  operationId: "cancel",
  tags: ["Conversation"],
  summary: "Drop what was asked to be confirmed",
  "x-role": "viewer",
  parameters: [TOKEN],
  responses: { 200: jsonAnswer("Dropped.", doneAnswer({})), ...problems(401, 403, 404, 429, 500, 503) },
};

function listRuns(): Operation {
  const { properties = {} } = z.toJSONSchema(RunQuery, { io: "input", unrepresentable: "any" });
  const parameters = Object.entries(properties as Record<string, Schema>).map(([name, { description = "", ...schema }]): Parameter => {
    // Coerced from words, so that its type is not to be seen in the schema.
    const type = name === "limit" ? { type: "integer" } : {};
    const example = name === "limit" ? { example: 5 } : name === "status" ? { example: "succeeded" } : {};
    return { name, in: "query", description: String(description), schema: { ...schema, ...type }, ...example };
  });
  return {
    operationId: "list_runs",
    tags: ["Runs"],
    summary: "Runs, newest first",
    description: "A viewer sees their own.",
    "x-role": "viewer",
    parameters,
    responses: {
      200: jsonAnswer("A page of them.", listOf("runs", refTo("Run"), { next_cursor: { type: ["string", "null"] } })),
      ...problems(401, 403, 422, 429, 500, 503),
    },
  };
}

const ONE_RUN: Operation = {
  operationId: "get_run",
  tags: ["Runs"],
  summary: "What became of a run",
  "x-role": "viewer",
  parameters: [RUN_ID],
  responses: { 200: jsonAnswer("The run.", refTo("Run")), ...problems(401, 403, 404, 429, 500, 503) },
};
