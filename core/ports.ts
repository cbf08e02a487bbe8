import type { DeskPorts } from "./desk-ports.ts";
import type { Edge } from "./edge.ts";
import type { Events } from "./events/ports.ts";
import type { Ledger, Reconciler, RuleMirror } from "./ledger.ts";
import type { Locale } from "./locale.ts";
import type { PlainReply } from "./reply.ts";
import type { Interpreted, Person, Role } from "./request.ts";
import type { ListedRun, RunSummary, RunView } from "./run.ts";
import type { InboxEvent } from "./stores.ts";
import type { Webhook } from "./webhook.ts";

/** The time, injected so that tests hold it. */
export interface Clock {
  now(): Date;
}

/** Lines for the operator of the process. Fields must hold no secret. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Work by id. A job is `{id}` and nothing else; its worker claims the row by state, so a job too many does no harm. */
export interface Queue {
  /**
   * Puts jobs into the queue. A job whose `job_id` is already there, in whatever state, is not added again.
   * @throws OpsError `unavailable` within 2 s when the queue cannot be reached
   */
  add(
    jobs: readonly { readonly job_id: string; readonly id: string; readonly delay_ms?: number; readonly priority?: number }[],
  ): Promise<void>;
  /**
   * Of these job ids, those that wait for a worker, now or later. One that has begun is none of them: its worker claims the row at once,
   * so a row that is still open belongs to a job whose process died.
   */
  waiting(job_ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Starts to work. A handler that throws leaves its job failed: the row is still open and the sweeper queues it again. */
  work(handler: (id: string) => Promise<void>, options: { readonly concurrency: number }): Promise<QueueWorker>;
  /** Jobs by state, for metrics. */
  counts(): Promise<{ readonly waiting: number; readonly active: number; readonly delayed: number; readonly failed: number }>;
  /** Lets go of the connections it opened itself. */
  close(): Promise<void>;
}

/** A running worker of a queue. */
export interface QueueWorker {
  /** Takes no more jobs and waits for those at work, at most `within_ms`. */
  close(within_ms: number): Promise<void>;
}

/** One budget that an outside call is counted against: at most `limit` in any `window_ms`. */
export interface Budget {
  readonly key: string;
  readonly limit: number;
  readonly window_ms: number;
  /** Whether it may be closed, see `Ephemeral.shut`. */
  readonly closable?: boolean;
}

/** Small things with a time to live, shared by every process: conversations, confirmations, link codes, counters, budgets. */
export interface Ephemeral {
  /** Keeps a JSON value for `ttl_ms`, replacing what was there. */
  put(key: string, value: unknown, ttl_ms: number): Promise<void>;
  /** The value, or undefined when there is none or its time is over. */
  get(key: string): Promise<unknown>;
  /** The value, removed in the same step: of two takers one gets it. */
  take(key: string): Promise<unknown>;
  /**
   * Adds one and says how many there are since the first; the count ends `ttl_ms` after that first one. What has an id and is counted again
   * meanwhile adds nothing, and is told the number it got the first time.
   */
  count(key: string, ttl_ms: number, id?: string): Promise<{ readonly count: number; readonly resets_in_ms: number }>;
  /**
   * Books one call against every budget, or none of them.
   * @returns 0 when booked, else how many milliseconds to wait before asking again
   */
  reserve(budgets: readonly Budget[]): Promise<number>;
  /** As `reserve`. @returns how many milliseconds each of the budgets is to be waited for, in their order; booked when all are 0 */
  book(budgets: readonly Budget[]): Promise<readonly number[]>;
  /** Lets nobody book against the closable budgets of this key for so long, in milliseconds; one that is closed for longer stays so. */
  shut(key: string, for_ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Publish and subscribe by id, over all processes. Delivery is best effort: whoever needs certainty reads the row. */
export interface Topic {
  publish(id: string, message: string): Promise<void>;
  /** @returns a function that ends the subscription */
  subscribe(id: string, listener: (message: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** A message for one address of a platform, in the person's language. */
export interface OutgoingMessage {
  /** Names the message in the buttons that turn its pages. */
  readonly delivery_id: string;
  /** Which page of a long answer is shown, from 1; past the end it is the last one. */
  readonly page: number;
  readonly address: string;
  /** The message that is replaced, or null for a new one. */
  readonly message_id: string | null;
  readonly reply: PlainReply;
}

/**
 * A platform's way out, used by the gateway in jobs/outbound. Throws an `OpsError`:
 * `rate_limited` (with `retry_after_ms`), `upstream_unavailable` (nothing was sent, or nobody knows), `upstream_refused` (never will be).
 */
export interface Channel {
  readonly platform: string;
  /** The budgets one message to this address is counted against; the first is the one that all addresses share. */
  budgets(address: string): readonly Budget[];
  /** Sends, or edits where `message_id` is given; editing to what already stands there succeeds. */
  send(message: OutgoingMessage): Promise<SentMessage>;
}

/** A message that a platform has taken. */
export interface SentMessage {
  readonly message_id: string;
  /** The chat's id from now on, where it turned out to have another. */
  readonly moved_to?: string;
}

/** A chat platform's way in. */
export interface BotAdapter {
  readonly platform: string;
  /** Where the platform calls us; absent where we ask it. Any number of processes may be called. */
  readonly webhook?: Webhook;
  /** Starts to receive; resolves at once, and goes on by itself through outages. */
  start(): void;
  /** Takes nothing more; what is stored is somebody else's now. */
  stop(): Promise<void>;
  /** What a stored event asks for; null for one that asks for nothing. Pure but for reading who the person is. */
  interpret(event: InboxEvent): Promise<Interpreted>;
  /** Somebody's role is another now, by a command in this process: what the platform shows them follows. `locale`: their own, where it is known. */
  roleChanged?(identity: string, now: Pick<Person, "role" | "locale">): void;
  state(): PartState;
}

/** Where a platform's events go: stored when this resolves, so that they may be acknowledged; worked on afterwards. */
export interface Intake {
  receive(events: readonly InboxEvent[]): Promise<void>;
}

/** A right that one process at a time may hold. */
export interface Lease {
  /** False as soon as it is lost, e.g. with the connection to the database. */
  held(): boolean;
  release(): Promise<void>;
}

/** Rights that one process at a time may hold, over all processes. */
export interface Leases {
  /**
   * Takes the right, or null when somebody holds it.
   * @throws OpsError `unavailable` when nobody can say, for there is no connection to the database
   */
  lease(name: string): Promise<Lease | null>;
}

/** How a part of the system is. */
export interface PartState {
  readonly part: string;
  readonly state: "ok" | "degraded" | "down";
  /** Why, in English, for operators; without secrets. */
  readonly note?: string;
}

/** Reading runs. */
export interface RunReader {
  get(run_id: string): Promise<RunView | null>;
  /** Without their outputs, which may be megabytes. */
  list(filter: RunFilter): Promise<readonly RunSummary[]>;
  /** With those outputs that are small; `get` has the others. */
  listWithOutputs(filter: RunFilter): Promise<readonly ListedRun[]>;
}

/** Which runs to list, newest first. */
export interface RunFilter {
  readonly person_id?: string;
  /** How they were known when they asked. */
  readonly identity?: string;
  readonly status?: string;
  readonly command?: string;
  /** Runs older than this one. */
  readonly before?: { readonly created_at: string; readonly run_id: string };
  readonly limit: number;
}

/** What became of a grant or a revocation: the role before and after. */
export interface RoleChange {
  readonly before: Role | null;
  readonly after: Role | null;
}

/** People, their identities and roles. */
export interface People {
  /** Who this identity belongs to; null for a stranger. */
  find(identity: string): Promise<Person | null>;
  /** Gives a role in place of the one held, making the person known where needed. */
  grant(identity: string, role: Exclude<Role, "ingest">, by: string): Promise<RoleChange>;
  /** Takes every role away; the person stays known. */
  revoke(identity: string, by: string): Promise<RoleChange>;
}

/** What is told of a command in help; made from the registry. */
export interface CommandSummary {
  readonly slug: string;
  readonly aliases: readonly string[];
  readonly summary: Readonly<Record<Locale, string>>;
  readonly usage: string;
  readonly examples: Readonly<Record<Locale, readonly string[]>>;
  readonly role: Role;
}

/** The commands a role may run, for help. */
export interface Catalogue {
  list(role: Role | null): readonly CommandSummary[];
  find(name: string, role: Role | null): CommandSummary | null;
}

/** How the parts of the system are, for `ping` and `/readyz`. */
export interface Health {
  check(): Promise<readonly PartState[]>;
}

/** What a command may use of the world outside. */
export interface CommandPorts extends DeskPorts {
  readonly clock: Clock;
  readonly edge: Edge;
  readonly ledger: Ledger;
  /** The provider's rules as they were last read. */
  readonly rules: Pick<RuleMirror, "list">;
  readonly reconciler: Reconciler;
  readonly runs: RunReader;
  readonly events: Events;
  readonly people: People;
  readonly catalogue: Catalogue;
  readonly health: Health;
  /** Whether an address may never be blocked, and why; null when it may. */
  protectedBy(ip: string): "private" | "loopback" | "cloudflare" | "never_block" | "reserved" | null;
}
