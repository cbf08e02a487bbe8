import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { toOpsError } from "../../core/errors.ts";
import type { Role } from "../../core/request.ts";
import type { Auth } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { renderKeyPage, renderPage } from "../docs/page.ts";
import { negotiateLocale } from "../language.ts";
import { createOpenApi } from "../openapi/document.ts";
import type { OpenApiDocument } from "../openapi/operation.ts";

/** Nothing but our own two files, no frame around the page, and no form that leaves it. */
const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The document, and the same as a page. Both hold what their reader may run. On this machine, where a request without a key is nobody, they are
 * those of a viewer; elsewhere they need a viewer's key, which the page asks for. The document is also for keys that only send events (docs/decisions/0090).
 */
export function docsRoutes(server: FastifyInstance, { deps, auth }: { readonly deps: HttpDeps; readonly auth: Auth }): void {
  const { style, script } = deps.docs;
  const readerOf = createReader(deps, auth, "ingest");
  const personOf = createReader(deps, auth, "viewer");

  server.get("/openapi.json", async (request, reply) => {
    const document = describe(deps, request, await readerOf(request));
    return personal(reply, request, deps).send(document);
  });

  server.get("/docs", async (request, reply) => {
    reply.header("content-security-policy", POLICY).header("referrer-policy", "no-referrer");
    try {
      const document = describe(deps, request, await personOf(request));
      return await personal(reply, request, deps).type("text/html; charset=utf-8").send(renderPage(document));
    } catch (thrown) {
      const status = statusForPerson(thrown, request);
      if (status === null) throw thrown;
      return await personal(reply, request, deps).status(status).type("text/html; charset=utf-8").send(renderKeyPage());
    }
  });

  server.get("/docs/page.css", async (_request, reply) => reply.type("text/css; charset=utf-8").send(style));
  server.get("/docs/page.js", async (_request, reply) => reply.type("text/javascript; charset=utf-8").send(script));
}

function createReader(deps: HttpDeps, auth: Auth, least: Role): (request: FastifyRequest) => Promise<Role | null> {
  const needRole = auth.require(least);
  return async (request) => {
    const isNobody = request.headers.authorization === undefined && !deps.sandbox;
    if (isNobody && auth.isLocal(request)) return "viewer";
    await needRole(request);
    return auth.callerOf(request).person.role;
  };
}

function describe({ directory, dialects, sandbox, locale }: HttpDeps, request: FastifyRequest, role: Role | null): OpenApiDocument {
  return createOpenApi({
    role,
    listings: directory.commands(role),
    dialects,
    locale: negotiateLocale(request.headers["accept-language"], locale),
    keyless: sandbox,
  });
}

/** Made for its reader, so that nothing between may keep it. */
function personal(reply: FastifyReply, request: FastifyRequest, { locale }: HttpDeps): FastifyReply {
  const language = negotiateLocale(request.headers["accept-language"], locale);
  return reply.header("cache-control", "no-store").header("vary", "authorization, accept-language").header("content-language", language);
}

/** The status of a page that asks for a key; null where no person is to read it, or where a key would not help. */
function statusForPerson(thrown: unknown, { headers }: FastifyRequest): 401 | 403 | null {
  const { code } = toOpsError(thrown);
  if (headers.authorization !== undefined || !headers.accept?.includes("text/html")) return null;
  if (code === "unauthenticated") return 401;
  return code === "forbidden" ? 403 : null;
}
