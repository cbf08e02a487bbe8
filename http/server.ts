import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import fastify, { type FastifyInstance, type FastifyPluginAsync } from "fastify";
import { isLoopback } from "../core/config-fields.ts";
import { OpsError } from "../core/errors.ts";
import { text } from "../core/reply.ts";
import { createAnswer } from "./answer.ts";
import { type Auth, createAuth } from "./auth.ts";
import { acceptJsonOnly } from "./body.ts";
import type { HttpDeps } from "./deps.ts";
import { addIdempotency } from "./idempotency.ts";
import { sendProblem, toProblem } from "./problem.ts";
import { askRoute } from "./routes/ask.ts";
import { commandRoutes } from "./routes/commands.ts";
import { dialectRoutes } from "./routes/dialect.ts";
import { docsRoutes } from "./routes/docs.ts";
import { eventRoutes, NO_SUCCESS, receiptRoute } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { runRoutes } from "./routes/runs.ts";
import { webhookRoutes } from "./routes/webhooks.ts";

/** The largest body that is read (contract, "REST"). */
const BODY_LIMIT_BYTES = 1_048_576;
/** The longest part of a path: an id of 255 characters, each of up to four bytes that are written with three. */
const PARAM_CHARS = 3_060;
/** A request that is not complete after this time is cut off. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * The HTTP server, not listening yet. `close()` takes no more connections, ends the idle ones and waits for what is being answered.
 * @param options.person plugin of the sandbox's person's side, mounted at `/sandbox` for admins, on a loopback address alone
 */
export function createServer(deps: HttpDeps, options: { readonly person?: FastifyPluginAsync } = {}): FastifyInstance {
  const server = fastify({
    routerOptions: { maxParamLength: PARAM_CHARS },
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: "idle",
    // What arrives on an open connection while closing is answered, not turned away with an error of Fastify's own.
    return503OnClosing: false,
    genReqId: () => deps.newId(),
    frameworkErrors: (error, request, reply) =>
      void sendProblem(deps, request, reply, error, request.url.startsWith("/api/event") ? NO_SUCCESS : {}),
    clientErrorHandler: (error, socket) => refuseMalformed(deps, error, socket),
  });
  const auth = createAuth(deps);
  acceptJsonOnly(server);
  addHooks(server, deps);
  healthRoutes(server, { deps, auth });
  docsRoutes(server, { deps, auth });
  server.register(apiPlugin(deps, auth), { prefix: "/api/v1" });
  server.register(eventRoutes(deps, auth), { prefix: "/api" });
  receiptRoute(server, deps, auth);
  server.register(webhookRoutes(deps), { prefix: "/webhooks" });
  if (options.person && isLoopback(deps.host)) server.register(forAdmins(deps, auth, options.person), { prefix: "/sandbox" });
  return server;
}

function addHooks(server: FastifyInstance, deps: HttpDeps): void {
  // Hooks with a callback: a promise for each of them costs a tenth of what an event costs altogether.
  server.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id).header("x-content-type-options", "nosniff");
    if (request.url.startsWith("/api")) reply.header("cache-control", "no-store");
    done();
  });
  server.addHook("onResponse", (request, reply, done) => {
    // The route's pattern, for the path itself may hold a confirmation's token.
    const { method, id, routeOptions } = request;
    const ms = Math.round(reply.elapsedTime);
    deps.log.debug({ request_id: id, method, route: routeOptions.url ?? "?", status: reply.statusCode, ms }, "answered");
    done();
  });
  server.setErrorHandler((error, request, reply) => sendProblem(deps, request, reply, error));
  server.setNotFoundHandler((request, reply) =>
    sendProblem(deps, request, reply, new OpsError("not_found", "no such route", { text: text("http.no_route") })),
  );
}

function apiPlugin(deps: HttpDeps, auth: Auth): FastifyPluginAsync {
  return async (api) => {
    api.addHook("onRequest", auth.require("viewer"));
    addIdempotency(api, deps, auth);
    const routes = { deps, auth, answer: createAnswer(deps, auth) };
    commandRoutes(api, routes);
    askRoute(api, routes);
    runRoutes(api, routes);
    dialectRoutes(api, routes);
  };
}

/** The person's side of the sandbox speaks for anyone, an admin included, so that it is for admins: a page elsewhere must not drive it. */
function forAdmins(deps: HttpDeps, auth: Auth, plugin: FastifyPluginAsync): FastifyPluginAsync {
  const needAdmin = auth.require("admin");
  return async (scope) => {
    // Answered here: the sandbox has an error handler of its own, which knows no error of ours.
    scope.addHook("onRequest", async (request, reply) => {
      await needAdmin(request).catch((thrown: unknown) => sendProblem(deps, request, reply, thrown));
    });
    scope.register(plugin);
  };
}

/** Bytes that are no HTTP request never reach a route; they get their problem document here. */
function refuseMalformed(deps: HttpDeps, error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const words = error.code === "HPE_HEADER_OVERFLOW" ? { text: text("http.headers_too_large") } : {};
  const refusal = new OpsError("bad_request", error.message, words);
  const problem = toProblem(deps, refusal, { locale: deps.locale, request_id: deps.newId() });
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    "Content-Type: application/problem+json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
