import type { Effect } from "../core/command.ts";
import type { Locale } from "../core/locale.ts";
import type { Health, Logger, RunReader } from "../core/ports.ts";
import type { Texts } from "../core/reply.ts";
import type { Outcome, Person, Request, Role } from "../core/request.ts";
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
  examples(locale: Locale): readonly string[];
}

/** The commands a role may run. Made by `createDirectory`. */
export interface CommandDirectory {
  commands(role: Role | null): readonly CommandListing[];
}

/** What the HTTP server needs of the world. */
export interface HttpDeps {
  dispatch(request: Request): Promise<Outcome>;
  readonly runs: RunReader;
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
