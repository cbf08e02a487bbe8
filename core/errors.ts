import type { Text } from "./reply.ts";

/**
 * The one table of errors: code -> HTTP status, exit code of the CLI, and whether the same work may succeed later.
 * Exit codes are the contract's: 1 failed, 2 usage, 3 needs confirmation, 4 not allowed.
 */
export const ERROR_CODES = {
  bad_request: { status: 400, exit: 2, retryable: false },
  unauthenticated: { status: 401, exit: 4, retryable: false },
  forbidden: { status: 403, exit: 4, retryable: false },
  not_found: { status: 404, exit: 1, retryable: false },
  unknown_command: { status: 404, exit: 2, retryable: false },
  confirmation_gone: { status: 404, exit: 1, retryable: false },
  needs_confirmation: { status: 409, exit: 3, retryable: false },
  conflict: { status: 409, exit: 1, retryable: false },
  too_large: { status: 413, exit: 2, retryable: false },
  unsupported_media_type: { status: 415, exit: 2, retryable: false },
  invalid_input: { status: 422, exit: 2, retryable: false },
  idempotency_mismatch: { status: 422, exit: 2, retryable: false },
  protected_address: { status: 422, exit: 1, retryable: false },
  rate_limited: { status: 429, exit: 1, retryable: true },
  cancelled: { status: 409, exit: 1, retryable: false },
  internal: { status: 500, exit: 1, retryable: false },
  upstream_refused: { status: 502, exit: 1, retryable: false },
  outcome_unknown: { status: 502, exit: 1, retryable: false },
  unavailable: { status: 503, exit: 1, retryable: true },
  upstream_unavailable: { status: 503, exit: 1, retryable: true },
  timeout: { status: 504, exit: 1, retryable: true },
} as const satisfies Record<string, { status: number; exit: number; retryable: boolean }>;

/** A key of the one table of errors. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** One thing that is wrong with an input: where, and a sentence for the person. */
export interface Issue {
  /** Dotted path of the field, "" for the whole input. */
  readonly path: string;
  readonly message: Text;
}

/** What an `OpsError` may carry besides its code. */
export interface OpsErrorOptions {
  /** The sentence for the person; by default the text `errors.<code>`. */
  readonly text?: Text;
  readonly issues?: readonly Issue[];
  /** How long to wait before the same may succeed, in milliseconds. */
  readonly retry_after_ms?: number;
  readonly cause?: unknown;
}

/** A failure that says three things: a code, a text for the log (`message`) and a text for the person (`text`). */
export class OpsError extends Error {
  override readonly name = "OpsError";
  readonly code: ErrorCode;
  readonly text: Text;
  readonly issues: readonly Issue[];
  readonly retry_after_ms: number | undefined;

  constructor(code: ErrorCode, message: string, options: OpsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.text = options.text ?? { key: `errors.${code}` };
    this.issues = options.issues ?? [];
    this.retry_after_ms = options.retry_after_ms;
  }

  /** Whether the same work may succeed later. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** Wraps whatever was thrown: an `OpsError` stays itself, anything else becomes `internal` with the original as its cause. */
export function toOpsError(thrown: unknown): OpsError {
  if (thrown instanceof OpsError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new OpsError("internal", message, { cause: thrown });
}
