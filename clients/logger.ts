import { inspect } from "node:util";
import { type DestinationStream, pino } from "pino";
import type { Logger } from "../core/ports.ts";

/** What is logged, what never is, and where to. */
export interface LoggerOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** Tokens, passwords and keys; those shorter than four characters are left alone, for they would blot out ordinary words. */
  readonly redact: readonly string[];
  /** Takes finished lines; by default the process's standard error, since standard output belongs to people. */
  readonly destination?: DestinationStream;
}

const SHORTEST_SECRET = 4;
const BLOT = "[redacted]";
const STDERR = 2;
/** How deep a chain of causes is told. */
const MAX_CAUSES = 5;

/** A log of JSON lines. An error goes under the key `err`: it is told by code, message, stack and causes, and nothing else of it. */
export function createLogger({ level, redact, destination = pino.destination({ dest: STDERR, sync: true }) }: LoggerOptions): Logger {
  const blot = createBlot(redact);
  const log = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (thrown: unknown) => toPlainError(thrown) },
    },
    { write: (line: string) => destination.write(blot(line)) },
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}

/** Blots out every secret in a line of JSON, also as it is written inside JSON strings and URLs; the longest first. */
function createBlot(secrets: readonly string[]): (line: string) => string {
  const forms = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(Buffer.from(secret).toString())]);
  if (forms.length === 0) return (line) => line;
  const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "g");
  return (line) => line.replace(pattern, BLOT);
}

interface PlainError {
  readonly type: string;
  readonly code?: string | number;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: PlainError;
}

/** Errors of libraries carry requests, payloads and headers as properties: only what is named here is told. */
function toPlainError(thrown: unknown, depth = 0): PlainError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: inspect(thrown) };
  const { name, message, stack } = thrown;
  const code: unknown = "code" in thrown ? thrown.code : undefined;
  // Node tries several addresses of a host and reports them together.
  const next: unknown = thrown instanceof AggregateError ? (thrown.cause ?? thrown.errors[0]) : thrown.cause;
  return {
    type: name,
    ...((typeof code === "string" || typeof code === "number") && { code }),
    message,
    ...(stack !== undefined && { stack }),
    ...(next !== undefined && depth < MAX_CAUSES && { cause: toPlainError(next, depth + 1) }),
  };
}
