import type { Effect } from "../core/command.ts";
import type { CollectedEvent } from "../core/events/event.ts";
import type { Events } from "../core/events/ports.ts";
import type { Locale } from "../core/locale.ts";
import type { Ephemeral, Health, Logger, RunReader } from "../core/ports.ts";
import type { Texts } from "../core/reply.ts";
import type { Outcome, Person, Request, Role } from "../core/request.ts";
import type { NewDelivery } from "../core/run.ts";
import type { IdempotencyStore } from "../core/stores.ts";
import type { Webhook } from "../core/webhook.ts";

/** Who a request acts as. */
export interface Caller {
  /** `key:ci`, or `local` for the sandbox's own admin. */
  readonly identity: string;
  readonly person: Person;
}

/** A command as `GET /api/v1/commands` tells of it. */
export interface CommandListing {
  readonly name: string;
  readonly slug: string;
  readonly aliases: readonly string[];
  summary(locale: Locale): string;
  readonly role: Role;
  /** `depends`: on the input. */
  readonly effect: Effect | "depends";
  /** JSON Schema of the body that the command's route takes. */
  readonly input_schema: object;
  /** JSON Schema of its output. */
  readonly output_schema: object;
  readonly mode: "inline" | "queued";
  examples(locale: Locale): readonly string[];
  /** Its examples as bodies of its route. */
  exampleInputs(locale: Locale): readonly CommandExample[];
  /** The input parsed. @throws OpsError `invalid_input` */
  parse(input: unknown): Readonly<Record<string, unknown>>;
}

/** An example line, and the same as an input. */
export interface CommandExample {
  readonly line: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** The commands a role may run. Made by `createDirectory`. */
export interface CommandDirectory {
  commands(role: Role | null): readonly CommandListing[];
}

/** A parameter of a dialect's route; each is a word. */
export interface DialectParameter {
  readonly name: string;
  readonly description: string;
  readonly example: string;
  /** Whether it is the command's field of that name. One that is not only says where the result goes. */
  readonly is_input: boolean;
}

/** A route as a system that Switchboard replaces had it: a command in other words. Below `/api/v1`. */
export interface DialectRoute {
  readonly path: string;
  readonly methods: readonly ("GET" | "POST")[];
  /** Slug of the command that it runs. */
  readonly command: string;
  readonly summary: string;
  /** In the order in which they are looked at. */
  readonly parameters: readonly DialectParameter[];
  /** The parameter that names a chat, its platform, and whether the result is said there. */
  readonly chat: { readonly parameter: string; readonly platform: string; readonly form: RegExp; readonly gets_result: boolean };
  /** What is answered, from the parameters as they were given. */
  message(given: Readonly<Record<string, string>>): string;
}

/** Events, as far as HTTP takes and shows them. */
export interface HttpEvents extends Pick<Events, "search" | "receipt"> {
  /** Resolves when all of them are durably queued. @throws OpsError `unavailable` within 2 s */
  collect(events: readonly CollectedEvent[]): Promise<void>;
  /** Null: they are kept for ever. */
  readonly retention_days: number | null;
}

/** What the HTTP server needs of the world. */
export interface HttpDeps {
  dispatch(request: Request): Promise<Outcome>;
  readonly runs: RunReader;
  readonly events: HttpEvents;
  readonly idempotency: IdempotencyStore;
  /** Counts wrong keys. */
  readonly ephemeral: Pick<Ephemeral, "count">;
  /** Stores something to be said to a chat, and queues it. */
  deliver(delivery: NewDelivery): Promise<void>;
  readonly dialects: readonly DialectRoute[];
  /** What the page of /docs needs: its style sheet and its script. */
  readonly docs: DocsAssets;
  readonly directory: CommandDirectory;
  readonly texts: Texts;
  readonly health: Health;
  /** Who holds this key; null when nobody does. Hashing is done behind it. */
  findKey(presented: string): Promise<Caller | null>;
  /** Who a request without a key acts as, in the sandbox on a loopback address. */
  readonly localPerson: Person;
  /** By platform, those that call us: each gets `/webhooks/<platform>`. */
  readonly webhooks: Readonly<Record<string, Webhook>>;
  /** Every measure in Prometheus' text form. */
  metrics(): Promise<string>;
  /** An id that is new each time: 1-64 of A-Z, a-z, 0-9, "_" and "-". */
  newId(): string;
  readonly sandbox: boolean;
  /** The address that is listened on. */
  readonly host: string;
  /** The language where `Accept-Language` names none of ours. */
  readonly locale: Locale;
  /** The IANA time zone of people who have set none. */
  readonly zone: string;
  readonly log: Logger;
}

/** Files of the page of /docs, as text. */
export interface DocsAssets {
  readonly style: string;
  readonly script: string;
}
