import type { Locale } from "../../core/locale.ts";
import { includesRole, type Role } from "../../core/request.ts";
import type { CommandListing, DialectRoute } from "../deps.ts";
import { apiPaths } from "./api-paths.ts";
import { commandPaths, commandSchemas } from "./commands.ts";
import { IDEMPOTENCY_KEY, problemResponses, sharedSchemas } from "./components.ts";
import { dialectPaths } from "./dialect-paths.ts";
import { eventPaths, eventSchemas } from "./event-paths.ts";
import type { OpenApiDocument, PathItem } from "./operation.ts";
import { systemPaths } from "./system-paths.ts";

/** What a document is made for. */
export interface DocumentOptions {
  /** The reader's role. */
  readonly role: Role | null;
  /** The commands that the reader may run. */
  readonly listings: readonly CommandListing[];
  readonly dialects: readonly DialectRoute[];
  readonly locale: Locale;
  /** Whether a request without a key is somebody: in the sandbox on this machine. */
  readonly keyless: boolean;
}

/** The version of the API, as in its paths. */
const VERSION = "1.0.0";

const DESCRIPTION =
  "Every command of the desk, as in a chat or a shell. A queued command answers 202 with a run_id; ask for the run until it has ended. " +
  "A dangerous one answers 409 with a token, and runs once that is confirmed. Errors are application/problem+json. " +
  "With an Idempotency-Key any POST is safe to repeat for 24 hours.";

const TAGS = [
  { name: "Commands", description: "Everything that can be done, each under its slug" },
  { name: "Conversation", description: "Lines as in a chat, and what is asked before something dangerous is done" },
  { name: "Runs", description: "What became of queued commands" },
  { name: "Infra service", description: "For clients of the infra service: the result goes to a Telegram chat" },
  { name: "Events", description: "The event collector: what is sent is stored once, and searched by user" },
  { name: "System", description: "Health, measures, documentation" },
];

/** OpenAPI 3.1 of everything that the reader may call, made from the registry. */
export function createOpenApi({ role, listings, dialects, locale, keyless }: DocumentOptions): OpenApiDocument {
  const own = { ...apiPaths(listings, locale), ...dialectPaths(dialects, listings), ...eventPaths(role), ...systemPaths() };
  const paths = allowed({ ...commandPaths(listings, locale), ...own }, role);
  const used = new Set(Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ tags }) => tags)));
  return {
    openapi: "3.1.0",
    info: { title: "Switchboard", version: VERSION, summary: "One operations desk with many telephones", description: DESCRIPTION },
    servers: [{ url: "/" }],
    security: keyless ? [{ bearer: [] }, {}] : [{ bearer: [] }],
    tags: TAGS.filter(({ name }) => used.has(name)),
    paths,
    components: {
      schemas: { ...sharedSchemas(), ...commandSchemas(listings), ...eventSchemas() },
      responses: problemResponses(),
      parameters: { IdempotencyKey: IDEMPOTENCY_KEY },
      securitySchemes: { bearer: { type: "http", scheme: "bearer", description: "npx switchboard keys create --name NAME --role ROLE" } },
    },
  };
}

/** What a role may call; a path of which it may call nothing is not there. */
function allowed(paths: Readonly<Record<string, PathItem>>, role: Role | null): Record<string, PathItem> {
  const mayCall = (needed: string | undefined) => needed === undefined || includesRole(role, needed as Role);
  const kept = Object.entries(paths).map(([path, item]) => {
    const operations = Object.entries(item).filter(([, operation]) => mayCall(operation["x-role"]));
    return [path, Object.fromEntries(operations) as PathItem] as const;
  });
  return Object.fromEntries(kept.filter(([, item]) => Object.keys(item).length > 0));
}
