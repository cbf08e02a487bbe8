import { z } from "zod";
import { EventInput } from "../../core/events/event.ts";
import { maySendEvents, type Role } from "../../core/request.ts";
import { EventQuery } from "../routes/events.ts";
import { byKey, Problem, problems, RETRY_AFTER } from "./components.ts";
import { hoist } from "./hoist.ts";
import { type Example, jsonAnswer, type Operation, type Parameter, type PathItem, type Response, refTo, type Schema } from "./operation.ts";

const TAGS = ["Events"] as const;
const YES = z.literal("true").describe("A word, not a boolean");
const NO = z.literal("false");
/** Events in one request (contract, "Dialect of the event collector"). */
const MANY = 1_000;

const ParametersShown = z.object({ order_id: z.string(), currency: z.string(), price: z.number() });
const StoredEvent = z.object({
  event_id: z.string(),
  event: z.string(),
  event_datetime: z.string().describe("UTC with six digits of a second, e.g. 2026-11-22T00:16:43.306000Z"),
  parameters: ParametersShown.nullable(),
});
const CollectedItem = z.object({
  event_id: z.string().nullable().describe("Null where it could not be read"),
  is_success: z.enum(["true", "false"]),
  error: z.string().optional().describe("What is wrong with it; the others are accepted all the same"),
});
const Receipt = z.discriminatedUnion("status", [
  z.object({ event_id: z.string(), status: z.literal("queued") }),
  z.object({ event_id: z.string(), status: z.literal("stored"), stored_at: z.string() }),
  z.object({ event_id: z.string(), status: z.literal("failed"), failed_at: z.string(), reason: z.string() }),
]);
const SCHEMAS = {
  Accepted: z.object({ is_success: YES }),
  AcceptedItems: z.object({ is_success: YES, results: z.array(CollectedItem).describe("One for each event, in their order") }),
  EventPage: z.object({
    is_success: YES,
    results: z.array(StoredEvent),
    next_cursor: z.string().optional().describe("When there is more"),
  }),
  EventReceipt: Receipt,
  EventProblem: Problem.extend({ is_success: NO }).describe("Why a request was refused or failed, for the collector's clients"),
};

/** The schemas of the collector's routes. */
export function eventSchemas(): Record<string, Schema> {
  const answers = Object.entries(SCHEMAS).map(([name, schema]) => hoist(name, z.toJSONSchema(schema, { io: "output" })));
  return Object.assign({ ...hoist("Event", z.toJSONSchema(EventInput, { io: "input" })) }, ...answers);
}

/** The routes of the event collector. Collecting is not for every role that may search. */
export function eventPaths(role: Role | null): Record<string, PathItem> {
  const collects = maySendEvents(role);
  return {
    ...(collects && { "/api/collect": { post: COLLECT } }),
    "/api/event": { ...(collects && { post: COLLECT_ONE }), get: search("search_events_by_query", parameters("query")) },
    "/api/event/{user_id}": { get: search("search_events_by_path", parameters("path")) },
    "/api/search": { post: SEARCH },
    "/api/v1/events/{event_id}": { get: RECEIPT },
  };
}

/** Their problems say `is_success`, too. */
function ownProblems(...statuses: readonly number[]): Record<string, Response> {
  const content = { "application/problem+json": { schema: refTo("EventProblem") } };
  const headers = (status: number) => (status === 429 || status === 503 ? { headers: RETRY_AFTER } : {});
  return Object.fromEntries(statuses.map((status) => [String(status), { description: WHY[status] ?? "", content, ...headers(status) }]));
}

const WHY: Readonly<Record<number, string>> = {
  400: "The body is not JSON in UTF-8.",
  401: "No key, or a wrong one.",
  403: "The key's role is not enough.",
  413: "Over 1 MiB.",
  415: "Not application/json.",
  422: "errors[].path names each field that is wrong; of a list, 0.event_id.",
  429: "Too many wrong keys.",
  500: "No fault of the request.",
  503: "The queue or the database is away, or full: ask again after Retry-After.",
};
const OF_COLLECTING = [400, 401, 403, 413, 415, 422, 429, 500, 503];

const PURCHASE = {
  ...{ event_id: "7f3d2c58-0001", event: "purchase", user_id: "u-17" },
  parameters: { order_id: "A-1001", currency: "krw", price: 1200 },
};
const ONE: Readonly<Record<string, Example>> = { one: { summary: "One event", value: PURCHASE } };
const SEVERAL = [PURCHASE, { event_id: "7f3d2c58-0002", event: "log_in", user_id: "u-17", event_datetime: "2026-11-22T00:16:43.306Z" }];

const COLLECT_ONE: Operation = {
  operationId: "collect_event",
  tags: TAGS,
  summary: "Send one event",
  description: "It is accepted once it is durably queued. An event_id that was sent before is accepted, and stored once.",
  "x-role": "ingest",
  parameters: [byKey],
  requestBody: { required: true, content: { "application/json": { schema: refTo("Event"), examples: ONE } } },
  responses: { 200: jsonAnswer("Accepted.", refTo("Accepted")), ...ownProblems(...OF_COLLECTING) },
};

const COLLECT: Operation = {
  ...COLLECT_ONE,
  operationId: "collect_events",
  summary: "Send events",
  description:
    "One, or a list of 1 to 1,000. They are accepted once they are durably queued. What is wrong with one of a list stops no other.",
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: { anyOf: [refTo("Event"), { type: "array", minItems: 1, maxItems: MANY, items: refTo("Event") }] },
        examples: { ...ONE, several: { summary: "A list", value: SEVERAL } },
      },
    },
  },
  responses: {
    200: jsonAnswer("Accepted.", { anyOf: [refTo("Accepted"), refTo("AcceptedItems")] }),
    ...ownProblems(...OF_COLLECTING),
  },
};

/** As the query is read. @param where the user is named */
function parameters(where: "path" | "query"): Parameter[] {
  const { properties = {}, required = [] } = z.toJSONSchema(EventQuery, { io: "input" });
  return Object.entries(properties as Record<string, Schema>).map(([name, { description = "", ...schema }]): Parameter => {
    const isUser = name === "user_id";
    return {
      ...{ name, in: isUser ? where : "query", description: String(description), schema },
      ...(required.includes(name) && { required: true }),
      ...(isUser && { example: PURCHASE.user_id }),
    };
  });
}

const SEARCHED = { 200: jsonAnswer("Newest first.", refTo("EventPage")) };

function search(operationId: string, own: readonly Parameter[]): Operation {
  return {
    operationId,
    tags: TAGS,
    summary: "Events of a user, newest first",
    "x-role": "viewer",
    parameters: own,
    responses: { ...SEARCHED, ...ownProblems(400, 401, 403, 422, 429, 500, 503) },
  };
}

const SEARCH: Operation = {
  ...search("search_events", []),
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: hoist("query", z.toJSONSchema(EventQuery, { io: "input" }))["query"] ?? {},
        examples: { user: { summary: "A user's", value: { user_id: "u-17", limit: 10 } } },
      },
    },
  },
  responses: { ...SEARCHED, ...ownProblems(...OF_COLLECTING) },
};

const RECEIPT: Operation = {
  operationId: "get_event_receipt",
  tags: TAGS,
  summary: "What became of an event",
  "x-role": "ingest",
  parameters: [
    {
      name: "event_id",
      in: "path",
      required: true,
      description: "As it was sent",
      schema: { type: "string" },
      example: PURCHASE.event_id,
    },
  ],
  responses: { 200: jsonAnswer("Queued, stored or failed.", refTo("EventReceipt")), ...problems(400, 401, 403, 404, 429, 500, 503) },
};
