import { z } from "zod";
import { type ErrorCode, OpsError } from "../../core/errors.ts";
import { type Reply, raw, type Text, text } from "../../core/reply.ts";

/** What became of one address. */
export interface Result<Status extends string> {
  readonly ip: string;
  readonly status: Status;
  readonly rule_ids: readonly string[];
  /** RFC 3339; null: until it is lifted. */
  readonly expires_at: string | null;
  /** A code of the table of errors. */
  readonly error?: string | undefined;
}

/** The output of a command on addresses: a result each, in the order they were given. */
export function results<const Statuses extends readonly [string, ...string[]]>(statuses: Statuses) {
  const result = z.object({
    ip: z.string(),
    status: z.enum(statuses),
    rule_ids: z.array(z.string()).readonly(),
    expires_at: z.string().nullable(),
    error: z.string().optional(),
  });
  return z.object({ results: z.array(result).readonly() });
}

/**
 * The results, unless not one address succeeded: then the run has failed too.
 * @throws OpsError with the code of the first failure
 */
export function withoutFailure<Status extends string>(done: readonly Result<Status>[]): readonly Result<Status>[] {
  const first = done[0];
  if (!first?.error || done.some(({ error }) => error === undefined)) return done;
  throw new OpsError(first.error as ErrorCode, `all ${done.length} addresses failed`);
}

/** One address as a sentence, several as a table. `prefix.<status>` says a status with the param `ip`, `prefix.title` the whole. */
export function presentResults(done: readonly Result<string>[], prefix: string): Reply {
  const tone = done.every(({ error }) => error === undefined) ? "ok" : "warn";
  const [only] = done;
  if (only && done.length === 1) {
    const rules = only.rule_ids.map((rule_id) => ({ label: text("cf.rule"), value: raw(rule_id), code: true }));
    return { tone, title: text(`${prefix}.${only.status}`, { ip: only.ip }), ...(rules.length > 0 && { fields: rules }) };
  }
  const rows = done.map(({ ip, status, error }): Text[] => [
    raw(ip),
    text(`cf.status.${status}`),
    error ? text(`errors.${error}`) : raw(""),
  ]);
  const columns = [text("cf.column.ip"), text("cf.column.status"), text("cf.column.note")];
  return { tone, title: text(`${prefix}.title`, { count: done.length }), table: { columns, rows } };
}

/** What became of an address that could not be dealt with. */
export function failedResult<Status extends string>(ip: string, status: Status, error: OpsError): Result<Status> {
  return { ip, status, rule_ids: [], expires_at: null, error: error.code };
}
