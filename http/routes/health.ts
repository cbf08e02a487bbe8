import type { FastifyInstance, FastifyRequest } from "fastify";
import { includesRole } from "../../core/request.ts";
import type { Auth } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";

/** Parts without which nothing can be accepted; all others may be down and the rest works on (contract, "REST"). */
const VITAL: readonly string[] = ["database", "queue"];
/** When it is worth asking again, in seconds. */
const RETRY_SECONDS = 5;
/** What Prometheus' text form is called. */
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

/** What watches the process: alive, ready, measures. And the front door, until there is a console. */
export function healthRoutes(server: FastifyInstance, { deps, auth }: { readonly deps: HttpDeps; readonly auth: Auth }): void {
  server.get("/", () =>
    Promise.resolve({
      name: "Switchboard",
      commands: "/api/v1/commands",
      ask: "/api/v1/ask",
      runs: "/api/v1/runs",
      ready: "/readyz",
      metrics: "/metrics",
      docs: "/docs",
      openapi: "/openapi.json",
    }),
  );

  server.get("/healthz", () => Promise.resolve({ status: "ok" }));

  server.get("/readyz", async (request, reply) => {
    const state = await readiness(deps);
    if (state.status === "down") reply.status(503).header("retry-after", RETRY_SECONDS);
    return (await mayKnow(auth, request)) ? state : { status: state.status };
  });

  const needViewer = auth.require("viewer");
  server.get("/metrics", {
    onRequest: async (request) => (auth.isLocal(request) ? undefined : needViewer(request)),
    handler: async (_request, reply) => reply.type(PROMETHEUS).send(await deps.metrics()),
  });
}

/** `ok`, `degraded` (it works without those parts) or `down`, with every part's state. A check that fails is a database that is down. */
async function readiness({ health, log }: HttpDeps) {
  const parts = await health.check().catch((err: unknown) => {
    log.warn({ err }, "the health check failed");
    return [{ part: "database", state: "down" as const }];
  });
  const ailing = parts.filter(({ state }) => state !== "ok");
  const down = ailing.some(({ part, state }) => state === "down" && VITAL.includes(part));
  const status = down ? "down" : ailing.length > 0 ? "degraded" : "ok";
  return { status, degraded: ailing.map(({ part }) => part), parts };
}

/** Details are for people with a role; everyone else learns the state alone, and a wrong key is no error here. */
async function mayKnow(auth: Auth, request: FastifyRequest): Promise<boolean> {
  const caller = await auth.identify(request).catch(() => null);
  return includesRole(caller?.person.role ?? null, "viewer");
}
