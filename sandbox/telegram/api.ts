import { timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { readBodies, UnreadableBody } from "../body.ts";
import { type Answer, carryOut } from "../emulator.ts";
import type { Fault, Faults } from "../faults.ts";
import type { Bot } from "./bot.ts";
import { UPLOAD_BYTES } from "./files.ts";
import { METHODS } from "./methods/index.ts";
import { type Params, readParams } from "./params.ts";
import { badRequest, Refusal } from "./refusal.ts";
import type { Updates } from "./updates.ts";

/** What the routes of the Bot API need. */
export interface TelegramApi {
  readonly bot: Bot;
  readonly updates: Updates;
  readonly faults: Faults;
  readonly token: string;
}

type MethodName = keyof typeof METHODS | "getUpdates";

/** Names in any case, as the real server takes them. */
const NAMES = new Map(([...Object.keys(METHODS), "getUpdates"] as MethodName[]).map((name) => [name.toLowerCase(), name]));

const FAULT_TEXT: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** The envelope of an error: https://core.telegram.org/bots/api#making-requests */
function failure({ status, message, parameters }: Refusal): Answer {
  const body = { ok: false, error_code: status, description: message, ...(parameters ? { parameters } : {}) };
  return { status, body };
}

function faultRefusal({ status, retry_after }: Fault & { status: number }): Refusal {
  if (status !== 429) return new Refusal(status, FAULT_TEXT[status] ?? "Internal Server Error");
  const seconds = retry_after ?? 1;
  return new Refusal(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
}

function sameSecret(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A chat id for the log, even of a call that was refused. */
function loggedChat(params: Params): { readonly chat_id?: number } {
  const id = Number(params["chat_id"] ?? Number.NaN);
  return Number.isSafeInteger(id) ? { chat_id: id } : {};
}

interface Call {
  readonly name: MethodName;
  readonly params: Params;
  /** What went wrong on purpose, for the log. */
  readonly fault: Fault | undefined;
  readonly hangUp: AbortSignal;
}

const faultNote = (fault: Fault | undefined) => (fault ? { fault: fault.drop ? "drop" : (fault.status ?? "delay") } : {});

function logRefusal({ bot }: TelegramApi, call: Pick<Call, "params" | "fault"> & { readonly name: string }, refusal: Refusal): Answer {
  const { status, message: description } = refusal;
  // Only our own windows make a breach; a 429 that was asked for does not.
  const breach = status === 429 && call.fault?.status !== 429 ? { breach: true } : {};
  bot.commit({ kind: "call", method: call.name, ...loggedChat(call.params), status, description, ...breach, ...faultNote(call.fault) }, []);
  return failure(refusal);
}

async function act(api: TelegramApi, call: Call): Promise<Answer> {
  const { bot, updates } = api;
  try {
    if (call.name === "getUpdates") return { status: 200, body: { ok: true, result: await updates.poll(call.params, call.hangUp) } };
    const { result, description, changes = [], message_id } = METHODS[call.name](bot, call.params);
    const message = message_id === undefined ? {} : { message_id };
    bot.commit({ kind: "call", method: call.name, ...loggedChat(call.params), ...message, status: 200, ...faultNote(call.fault) }, changes);
    if (call.name === "setWebhook") updates.endByWebhook();
    return { status: 200, body: { ok: true, result, ...(description ? { description } : {}) } };
  } catch (thrown) {
    if (thrown instanceof Refusal) return logRefusal(api, call, thrown);
    throw thrown;
  }
}

/**
 * Carries out the call that a webhook's answer may hold instead of being empty (https://core.telegram.org/bots/api#making-requests-when-getting-updates).
 * Nobody hears what became of it.
 */
export async function actOnReply(api: TelegramApi, body: string): Promise<void> {
  if (!body.startsWith("{")) return;
  const params = readParams(undefined, JSON.parse(body));
  const name = NAMES.get(String(params["method"] ?? "").toLowerCase());
  if (name && name !== "getUpdates") await act(api, { name, params, fault: undefined, hangUp: new AbortController().signal });
}

function hangUpOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once("close", () => controller.abort());
  return controller.signal;
}

async function serve(api: TelegramApi, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { token, method } = request.params as { token: string; method: string };
  const params = readParams(request.query, request.body);
  const refuse = (name: string, refusal: Refusal) => {
    const { status, body } = logRefusal(api, { name, params, fault: undefined }, refusal);
    return reply.code(status).send(body);
  };
  if (!sameSecret(token, api.token)) return refuse(method.slice(0, 64), new Refusal(401, "Unauthorized"));
  const name = NAMES.get(method.toLowerCase());
  if (!name) return refuse(method.slice(0, 64), new Refusal(404, "Not Found"));
  const fault = api.faults.take("telegram", name);
  const call = { name, params, fault, hangUp: hangUpOf(reply) };
  return carryOut(request, reply, {
    fault,
    refuse: (standing) => logRefusal(api, call, faultRefusal(standing)),
    act: () => act(api, call),
  });
}

/** Adds `/bot<token>/<method>`, by GET or POST, with the parameters in the query, JSON or a form. */
export function telegramRoutes(app: FastifyInstance, api: TelegramApi): void {
  readBodies(app);
  app.setErrorHandler((thrown: Error & { statusCode?: number }, request, reply) => {
    const status = thrown.statusCode ?? 500;
    if (status >= 500) request.log.error(thrown);
    const refusal =
      thrown instanceof UnreadableBody ? badRequest("can't parse JSON object") : new Refusal(status, FAULT_TEXT[status] ?? thrown.message);
    return reply.code(status).send(failure(refusal).body);
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(failure(new Refusal(404, "Not Found")).body));
  app.route({
    method: ["GET", "POST"],
    url: "/bot:token/:method",
    bodyLimit: UPLOAD_BYTES,
    handler: (request, reply) => serve(api, request, reply),
  });
  app.get("/file/bot:token/*", async (request, reply) => {
    const { token, "*": path } = request.params as { token: string; "*": string };
    const file = sameSecret(token, api.token) ? [...api.bot.store.files.values()].find((one) => one.path === path) : undefined;
    if (!file) return reply.code(404).send(failure(new Refusal(404, "Not Found")).body);
    return carryOut(request, reply, {
      fault: api.faults.take("telegram", "download"),
      refuse: (standing) => failure(faultRefusal(standing)),
      act: () => ({ status: 200, body: Buffer.from(file.base64, "base64"), headers: { "content-type": "application/octet-stream" } }),
    });
  });
}
