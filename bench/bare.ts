import { randomUUID } from "node:crypto";
import fastify from "fastify";
import { createLogger } from "../clients/logger.ts";
import type { HttpDeps } from "../http/deps.ts";
import { createServer } from "../http/server.ts";

/** The routes that answer at once, in a process of their own: Fastify's alone, and ours. */
export type AtOnce = "bare" | "route";

/**
 * The limits of `bench -- ingest` for single events. `route` is our route with all that it does with a request (the key, the JSON, the checks, the headers),
 * but for queueing the event. `bare` is a route of Fastify alone, which reads the JSON.
 */
export async function serveAtOnce(which: AtOnce): Promise<void> {
  const server = which === "route" ? createServer(routeDeps()) : bareServer();
  console.log(`listening on ${await server.listen({ host: "127.0.0.1", port: 0 })}`);
}

function bareServer() {
  const server = fastify();
  server.post("/api/collect", async () => ({ is_success: "true" }));
  return server;
}

/** What the route needs; nothing else is asked of this server. */
function routeDeps(): HttpDeps {
  const person = { person_id: "bench", name: "bench", role: "ingest", locale: null, zone: null } as const;
  const deps: Partial<HttpDeps> = {
    events: { collect: async () => undefined, search: async () => [], receipt: async () => null, retention_days: null },
    findKey: async () => ({ identity: "key:bench", person }),
    log: createLogger({ level: "warn", redact: [] }),
    newId: () => randomUUID(),
    ...{ dialects: [], webhooks: {}, sandbox: false, host: "127.0.0.1", locale: "en", zone: "UTC", docs: { style: "", script: "" } },
  };
  return deps as HttpDeps;
}
