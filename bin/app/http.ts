import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Config } from "../../core/config.ts";
import type { BotAdapter, Logger } from "../../core/ports.ts";
import type { DocsAssets } from "../../http/deps.ts";
import { createDirectory } from "../../http/directory.ts";
import { createServer } from "../../http/server.ts";
import { searchCaughtUp } from "../../jobs/events/caught-up.ts";
import { sandboxRoutes } from "../../sandbox/routes.ts";
import type { Desk } from "./desk.ts";
import { INFRA_DIALECT } from "./dialects.ts";
import { toListenError } from "./listen-error.ts";
import { docsFolder } from "./paths.ts";
import { LOCAL } from "./people.ts";
import type { Platforms } from "./platforms.ts";
import type { Queues } from "./queues.ts";
import type { Part } from "./work.ts";

/** What the HTTP side needs. */
export interface HttpParts {
  readonly desk: Desk;
  readonly platforms: Platforms;
  readonly queues: Pick<Queues, "ephemeral" | "events">;
  readonly adapters: readonly BotAdapter[];
  readonly log: Logger;
}

/**
 * Starts the HTTP server, with the sandbox's person's side where there is a sandbox.
 * @throws ConfigError, or OpsError `unavailable` when the port is in use
 */
export async function listen(
  config: Config,
  { desk, platforms, adapters, queues, log }: HttpParts,
): Promise<Part & { readonly url: string }> {
  const { host, port, locale, zone } = config;
  const { dispatch, texts, health, stores, identities, registry, metrics, newId } = desk;
  const server = createServer(
    {
      ...{ dispatch, texts, health, host, locale, zone, log, newId },
      runs: stores.runs,
      events: {
        receipt: desk.ports.events.receipt,
        search: searchCaughtUp(desk.ports.events, queues.events),
        collect: queues.events.add,
        retention_days: config.events.retention_days,
      },
      idempotency: stores.idempotency,
      directory: createDirectory(registry),
      ephemeral: queues.ephemeral,
      deliver: async (delivery) => desk.enqueue.deliveries(await stores.deliveries.insert(delivery)),
      dialects: INFRA_DIALECT,
      docs: loadDocs(),
      webhooks: Object.fromEntries(adapters.flatMap(({ platform, webhook }) => (webhook ? [[platform, webhook]] : []))),
      findKey: identities.findKey,
      localPerson: LOCAL,
      metrics: metrics.text,
      sandbox: platforms.sandbox !== null,
    },
    platforms.sandbox ? { person: sandboxRoutes(platforms.sandbox.state) } : {},
  );
  await server.listen({ host, port }).catch((thrown: unknown) => {
    throw toListenError(thrown, { host, port, variable: "PORT" });
  });
  const address = server.server.address() as AddressInfo;
  const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return { url: `http://${shown}:${address.port}`, stop: () => server.close() };
}

/** The files of the page of /docs; they are not compiled. */
export function loadDocs(): DocsAssets {
  const read = (name: string) => readFileSync(path.join(docsFolder(), name), "utf8");
  return { style: read("page.css") + read("operation.css"), script: read("page.js") };
}
