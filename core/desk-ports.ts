import type { Reply } from "./reply.ts";
import type { ReplyTo } from "./request.ts";
import type { RunError, RunView } from "./run.ts";
import type { AuditEntry } from "./stores.ts";

/** What became of the wish to stop a run. */
export interface Cancellation {
  readonly run: RunView;
  /** It has ended by this wish; it is told to stop and ends soon; or it had ended before. */
  readonly state: "cancelled" | "stopping" | "ended";
}

/** Stopping runs. */
export interface RunControl {
  /**
   * Ends a run that waits, at once; tells one at work to stop. Asked again by the same person it says the same.
   * @param by the identity of whoever wants it
   * @returns null where there is no such run
   */
  cancel(run_id: string, by: string): Promise<Cancellation | null>;
}

/** A line of the audit as it is read. `at` is RFC 3339 UTC. */
export interface AuditLine extends AuditEntry {
  readonly seq: number;
  readonly at: string;
}

/** Which lines of the audit to list, newest first. */
export interface AuditFilter {
  readonly identity?: string;
  readonly command?: string;
  /** RFC 3339. */
  readonly since?: string;
  /** Lines older than this one. */
  readonly before?: number;
  readonly limit: number;
}

/** Whether the chain of the audit holds. */
export interface AuditVerdict {
  /** How many lines there are. */
  readonly lines: number;
  /** The hash of the last line that was looked at; "" where there is none. */
  readonly head: string;
  /** The first line that is not as it was written, or is missing; null when all are whole. */
  readonly broken: number | null;
}

/** Reading the audit. */
export interface AuditReader {
  list(filter: AuditFilter): Promise<readonly AuditLine[]>;
  /** Reads every line once. @throws the signal's reason when it is aborted */
  verify(signal: AbortSignal): Promise<AuditVerdict>;
  /** The hash of one line; null where there is no such line. */
  hashOf(seq: number): Promise<string | null>;
}

/** What became of a message that a command says. */
export interface Said {
  /** `waiting`: the platform has not taken it yet; `withdrawn`: it was not said and never will be. */
  readonly status: "waiting" | "sent" | "failed" | "unknown" | "withdrawn";
  readonly message_id: string | null;
  /** Why it failed, or why it still waits. */
  readonly error: RunError | null;
}

/** What became of a thing to be said, for those who wait for it. */
export interface DeliveryFate {
  look(delivery_id: string): Promise<Said>;
  /**
   * Takes it back; where an earlier try may have been taken by the platform, it ends as `unknown`. What is being sent at this moment stays
   * `waiting`, and is not tried again. Null where there is none.
   */
  withdraw(delivery_id: string): Promise<Said | null>;
}

/** What a command says to somebody. */
export interface NewWords {
  readonly delivery_id: string;
  readonly request_id: string;
  readonly to: ReplyTo;
  readonly reply: Reply;
  /** Whose turn it takes: the person who asked for it. */
  readonly caused_by: string;
}

/**
 * Saying things to others than the asker: one message an id, however often it is asked for. A run says at most one, of the id that `wordsOf`
 * gives, and does nothing else then: where that is taken back in time, a run that is cancelled has done nothing.
 */
export interface Outbox {
  /** Whether messages can go to this platform at all. */
  reaches(platform: string): boolean;
  /** Stores a message unless one of this id is there, and queues it. What is in it is said in no language: `raw` only. */
  say(message: NewWords): Promise<void>;
  /**
   * What became of it: as soon as that is known, or as it stands after `within_ms`, or when the signal is aborted; or at once, where many wait
   * already.
   */
  wait(delivery_id: string, within_ms: number, signal: AbortSignal): Promise<Said>;
  /**
   * Takes a message back; one that is being sent at this moment is not tried again should that fail.
   * @returns what became of it, `waiting` for one that is being sent; null where there is none
   */
  withdraw(delivery_id: string): Promise<Said | null>;
}

/** What the commands about the desk itself may use: its runs, its audit, and its way out. */
export interface DeskPorts {
  readonly control: RunControl;
  readonly trail: AuditReader;
  readonly outbox: Outbox;
}
