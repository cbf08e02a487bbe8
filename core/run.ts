import { createHash } from "node:crypto";
import type { ErrorCode } from "./errors.ts";
import type { Locale } from "./locale.ts";
import type { Reply, Text } from "./reply.ts";
import type { ReplyTo } from "./request.ts";
import type { RunClaim } from "./stores.ts";

/** The states of a run. The last four are ends. `unknown`: the provider left open whether it was done. */
export const RUN_STATUSES = ["accepted", "running", "succeeded", "failed", "unknown", "cancelled"] as const;

/** A state of a run. */
export type RunStatus = (typeof RUN_STATUSES)[number];

/** Why a run ended badly: a code of the table and the sentence for the person. */
export interface RunError {
  readonly code: ErrorCode;
  readonly text: Text;
}

/** A run as people see it. Secrets are masked. Times are RFC 3339 UTC. */
export interface RunView {
  readonly run_id: string;
  readonly command: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly status: RunStatus;
  /** The person's id and the identity they asked with. */
  readonly person_id: string;
  readonly identity: string;
  readonly attempts: number;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly output: unknown;
  readonly error: RunError | null;
}

/** A run in a list. */
export type RunSummary = Omit<RunView, "output">;

/** A run in a list that shows what came of it. */
export interface ListedRun extends RunView {
  /** The output is there, and is too large for a list: `output` is null. */
  readonly output_left_out: boolean;
}

/** A command that has been accepted and is to be stored. */
export interface NewRun {
  readonly run_id: string;
  readonly request_id: string;
  readonly command: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly person_id: string;
  readonly identity: string;
  readonly locale: Locale;
  readonly zone: string;
  /** No two open runs have the same; absent: there may be any number. */
  readonly dedupe_key?: string;
}

/** Answers to people go before what is sent to many. */
export type DeliveryLane = "interactive" | "bulk";

/** Something to be said to one address. */
export interface NewDelivery {
  readonly delivery_id: string;
  readonly request_id: string;
  readonly run_id: string | null;
  readonly reply_to: ReplyTo;
  readonly reply: Reply;
  readonly locale: Locale;
  readonly zone: string;
  readonly lane: DeliveryLane;
  /** Who has caused it, for turns are taken by person; null where nobody has (each chat takes its own turn then). */
  readonly caused_by: string | null;
  /** Not before so many milliseconds from now: a run that ends sooner is answered at once, without a "running" message. */
  readonly delay_ms: number;
}

/** How a run ended. */
export interface RunEnd {
  readonly status: "succeeded" | "failed" | "unknown" | "cancelled";
  readonly output: unknown;
  readonly error: RunError | null;
  /** Replaces the "running" message of the run. */
  readonly reply: Reply;
}

/** Storing accepted runs; every method may be repeated for the same request. */
export interface RunAcceptor {
  /**
   * Stores a run and its first message, then queues both. A run of the same id, or an open one of the same `dedupe_key`, stays as it is.
   * @param open_max how many open runs its person may have
   * @returns the run as it stands; where it was joined, another than the one that was given
   * @throws OpsError `rate_limited` where its person has as many open runs as may be
   */
  accept(run: NewRun, delivery: NewDelivery | null, open_max: number): Promise<RunView>;
  /**
   * Stores a run that is carried out at once, and claims it. One that is there already is claimed only where it waits for somebody;
   * without a claim it has ended, or somebody else carries it out.
   */
  begin(run: NewRun): Promise<{ readonly run: RunView; readonly claim: RunClaim | null }>;
  /** Stores the end of a run that was begun here. Resolves when it is stored, or after 2 s: then it is stored as soon as that is possible. */
  end(claim: RunClaim, end: RunEnd): Promise<void>;
  /** Nobody in this process works any more on a run that was begun here. */
  letGo(run_id: string): void;
}

/** The message that a run says to somebody else than its asker: one a run, by whatever process and in whichever try. */
export function wordsOf(run_id: string): { readonly delivery_id: string; readonly request_id: string } {
  return { delivery_id: idFrom(`say:${run_id}`), request_id: `say-${run_id}` };
}

const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";
const ID_LENGTH = 12;

/**
 * A short id that is the same for the same seed: 12 characters of Crockford's base32, the first 60 bits of a SHA-256.
 * Short, because people type it on a phone; the run's unique `request_id` catches the collision that 60 bits make improbable.
 */
export function idFrom(seed: string): string {
  const digest = createHash("sha256").update(seed).digest();
  let id = "";
  for (let i = 0; i < ID_LENGTH; i++) {
    const bit = i * 5;
    const pair = (digest.readUInt16BE(bit >> 3) >> (11 - (bit & 7))) & 31;
    id += CROCKFORD[pair];
  }
  return id;
}
