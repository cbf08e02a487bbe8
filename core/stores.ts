import type { Locale } from "./locale.ts";
import type { RunReader } from "./ports.ts";
import type { Reply } from "./reply.ts";
import type { AddressMove, PageTurn, Person } from "./request.ts";
import type { DeliveryLane, NewDelivery, NewRun, RunEnd, RunError, RunView } from "./run.ts";

/** A job to be put into a queue: which row, and the job's own id (the row's id and its generation). */
export interface Job {
  readonly id: string;
  readonly job_id: string;
  readonly delay_ms: number;
  /** Of a message: where it goes and whose turn it takes, so that the gateway of this process need not look it up. */
  readonly to?: Destination;
}

/** Where a message goes, and whose turn it takes. */
export interface Destination extends Pick<NewDelivery, "lane" | "caused_by"> {
  readonly platform: string;
  readonly address: string;
}

/** The job id of a row's generation. BullMQ refuses ":" in it. */
export function jobId(id: string, generation: number): string {
  return `${id}-${generation}`;
}

/** Rows that wait in a queue, as the sweeper sees them. */
export interface Sweepable {
  /**
   * Opens the rows again that nobody works on: their process died, or it is this one, which let them go (a claim may be stored although its
   * answer was lost on the way). They are to be queued now.
   */
  takeOver(): Promise<readonly Job[]>;
  /**
   * Open rows whose turn it is to be looked at, each of them not again for a while.
   * @param all also those that were looked at just now (at start)
   */
  due(limit: number, all: boolean): Promise<readonly Job[]>;
  /** Gives these rows a new generation, for they are not in the queue any more. */
  requeue(ids: readonly string[]): Promise<readonly Job[]>;
}

/** Something that came in, as stored before it is acknowledged. */
export interface InboxEvent {
  /** The platform's own id of the event, with the platform in front. */
  readonly request_id: string;
  readonly platform: string;
  readonly payload: unknown;
}

/** What came in. */
export interface InboxStore {
  /**
   * Stores a batch in one statement, claimed by this process.
   * @returns those that this process is to work on: the new ones, and those of its own that are not done. (The answer to an earlier storing may
   *   have been lost on the way, so whoever calls knows better what is worked on already.)
   */
  receive(events: readonly InboxEvent[]): Promise<readonly InboxEvent[]>;
  done(request_id: string): Promise<void>;
  /** Gives it back, to be tried again not before `delay_ms` from now. @returns how often it was tried */
  giveBack(request_id: string, delay_ms: number, error: string): Promise<number>;
  /** Claims events of these platforms that nobody works on. */
  takeOver(platforms: readonly string[], limit: number): Promise<readonly InboxEvent[]>;
}

/** A run this process works on. */
export interface ClaimedRun extends RunView {
  readonly request_id: string;
  readonly locale: Locale;
  readonly zone: string;
  readonly takeovers: number;
  readonly claimed_by: number;
  readonly generation: number;
  /** Who wants it stopped; it is claimed only to be ended. */
  readonly cancelled_by: string | null;
}

/** A process's right to a run. It is this very one: after a takeover, even by the same process, it is another. */
export type RunClaim = Pick<ClaimedRun, "run_id" | "claimed_by" | "generation">;

/** Stopping runs, as far as the rows go. */
export interface RunStopper {
  /**
   * Stores who wants a run stopped. One that waits ends by that, its message with it, and what it was to say to somebody is taken
   * back: as `untouched` where it was not tried yet or that came in time, else as `begun`.
   * @returns the run as it stands now, and the message's jobs; null when there is no open run of this id
   */
  stop(
    run_id: string,
    by: string,
    ends: { readonly untouched: RunEnd; readonly begun: RunEnd },
  ): Promise<{ readonly run: RunView; readonly jobs: readonly Job[] } | null>;
  /** Of these runs, those that somebody wants stopped, and who. */
  stopping(run_ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Who wanted a run stopped, open or not; null for nobody. */
  stoppedBy(run_id: string): Promise<string | null>;
}

/** Runs. */
export interface RunStore extends RunReader, RunStopper, Sweepable {
  /**
   * Stores a run with its first message, unless it is there, or an open one of its `dedupe_key` is. `claim`: for this process, to be carried out at
   * once.
   * @throws OpsError `rate_limited`, and stores nothing, where the person has `open_max` open runs already
   */
  insert(
    run: NewRun,
    options: { readonly delivery: NewDelivery | null; readonly claim: boolean; readonly open_max?: number },
  ): Promise<{ readonly run: RunView; readonly fresh: boolean; readonly claim: RunClaim | null; readonly jobs: readonly Job[] }>;
  /**
   * Claims a run that is accepted and due; null when it is neither.
   * @param early also one that is not due yet
   */
  claim(run_id: string, early?: boolean): Promise<ClaimedRun | null>;
  /** Stores the end together with the answer. @returns the delivery's jobs; null when the claim was lost meanwhile and nothing was stored */
  finish(claim: RunClaim, end: RunEnd): Promise<readonly Job[] | null>;
  /** Gives a run back to be tried again; by default the try counts against the command's attempts. @returns its job; null when the claim was lost */
  postpone(claim: RunClaim, delay_ms: number, counted?: boolean): Promise<Job | null>;
  /** Nobody in this process works on it any more: should a claim of ours still stand, the sweeper opens it again. */
  letGo(run_id: string): void;
}

/** A thing to be said that this process is about to say. */
export interface ClaimedDelivery extends Destination {
  readonly delivery_id: string;
  readonly request_id: string;
  readonly message_id: string | null;
  readonly reply: Reply;
  readonly page: number;
  readonly locale: Locale;
  readonly zone: string;
  readonly version: number;
  readonly attempts: number;
  /** Since it was first to be said, or its page was turned, in milliseconds. */
  readonly age_ms: number;
  /** Since it failed for the first time, in milliseconds; 0 when it did not. */
  readonly failing_ms: number;
  readonly claimed_by: number;
  readonly generation: number;
}

/** What waits to be said, for metrics. */
export interface Backlog {
  readonly lane: DeliveryLane;
  readonly state: "later" | "due" | "sending";
  readonly count: number;
  /** Since the oldest of them was due, in seconds; 0 for what is due later. */
  readonly oldest_s: number;
}

/** Things to be said. */
export interface DeliveryStore extends Sweepable {
  /** Stores it unless it is there, for the address that the chat has moved to. @returns its job, or none */
  insert(delivery: NewDelivery): Promise<readonly Job[]>;
  /**
   * Where an open one is to go; null when it is not open or not due.
   * @returns also how long its chat rests, in milliseconds: another is being sent there, or is tried again soon
   */
  locate(delivery_id: string): Promise<(Destination & { readonly rest_ms: number }) | null>;
  /**
   * Claims what is next in the chat of this message: mostly itself. It is the oldest that is due, interactive ones first. None is claimed while
   * another is being sent there (by whichever process), while one that was too fast waits for its time, or for 30 s while one that failed is
   * tried again.
   */
  claim(delivery_id: string): Promise<ClaimedDelivery | null>;
  /**
   * It was sent as `message_id`.
   * @param moved_to the chat's address from now on
   * @returns a job when something newer is to stand there meanwhile
   */
  sent(claim: ClaimedDelivery, message_id: string, moved_to?: string): Promise<readonly Job[]>;
  /** To be tried again after `delay_ms`. @returns its job, or none where the claim was lost */
  postpone(claim: ClaimedDelivery, delay_ms: number, error: RunError): Promise<readonly Job[]>;
  /** It will not be tried again. @returns a job when something newer is to be said meanwhile */
  fail(claim: ClaimedDelivery, status: "failed" | "unknown", error: RunError): Promise<readonly Job[]>;
  /** Shows another page of a message that stands. @returns its job; none where it is not there or shows that page already */
  turnPage(turn: PageTurn): Promise<readonly Job[]>;
  /** A chat has another address from now on: what is to be said there goes to the new one, as new messages. May be repeated. */
  move(move: AddressMove): Promise<void>;
  /** What waits, over all processes. */
  backlog(): Promise<readonly Backlog[]>;
  /** Nobody in this process works on it any more: should a claim of ours still stand, the sweeper opens it again. */
  letGo(delivery_id: string): void;
}

/** One line of the audit. Secrets are masked before it is made. */
export interface AuditEntry {
  readonly person_id: string | null;
  readonly identity: string;
  /** `lift`: a block whose time was over, or that could not be lifted at once, was lifted by itself. */
  readonly action: "ask" | "confirm" | "cancel" | "run" | "lift";
  readonly command: string | null;
  readonly input: Readonly<Record<string, unknown>> | null;
  /** An outcome's kind, a run's end, or an error's code. */
  readonly outcome: string;
  readonly request_id: string;
  readonly run_id: string | null;
}

/** The audit: append only, each line with the hash of the one before. */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
}

/** API keys. Only their SHA-256 is stored. */
export interface KeyStore {
  /** @throws OpsError `invalid_input` when the name is taken */
  create(key: { readonly name: string; readonly role: string; readonly secret: string }): Promise<void>;
  find(secret: string): Promise<{ readonly identity: string; readonly person: Person } | null>;
  /** Who holds the key of this identity (`key:NAME`), if it is still good. */
  holder(identity: string): Promise<Person | null>;
  /** Whether any key exists that is not revoked, whatever its role. */
  hasAny(): Promise<boolean>;
}

/** What an Idempotency-Key is unique in. */
export interface IdempotencySlot {
  /** The identity that asks. */
  readonly owner: string;
  /** Method and path. */
  readonly route: string;
  readonly key: string;
}

/** An answer as it was given. */
export interface KeptAnswer {
  readonly status: number;
  readonly content_type: string;
  readonly body: string;
}

/** Answers by Idempotency-Key, each for 24 hours. */
export interface IdempotencyStore {
  /**
   * Stores the request before it is dispatched, unless one of this key is there.
   * @returns the first one: what it was about, what it is dispatched as, and its answer; null where it is still open, or was cut off by a crash
   */
  begin(
    slot: IdempotencySlot,
    request: { readonly body_hash: string; readonly request_id: string },
  ): Promise<{ readonly body_hash: string; readonly request_id: string; readonly answer: KeptAnswer | null }>;
  /** Keeps the answer, unless one is kept already. @returns the one that is kept */
  keep(request_id: string, answer: KeptAnswer): Promise<KeptAnswer>;
}
