import { z } from "zod";
import type { CommandContext } from "../../core/command.ts";
import { OpsError, toOpsError } from "../../core/errors.ts";
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

/** How dealing with an address may end besides what a command is for. */
type Failed = "failed" | "unverified";

/**
 * Deals with addresses one after another: the account's budget is better spent on others' work than on one long list. What may pass
 * is thrown while a try is left: another try of the whole list is harmless, since every step looks before it repeats.
 * @throws OpsError as the worst failure, when not one address succeeded: then the run has failed too
 */
export async function eachAddress<Status extends string>(
  ips: readonly string[],
  { signal, last_attempt }: Pick<CommandContext, "signal" | "last_attempt">,
  work: (ip: string) => Promise<Result<Status>>,
): Promise<readonly Result<Status | Failed>[]> {
  const done: Result<Status | Failed>[] = [];
  const failures: OpsError[] = [];
  for (const ip of ips) {
    try {
      done.push(await work(ip));
    } catch (thrown) {
      const error = toOpsError(thrown);
      if (signal.aborted || error.code === "internal" || (error.retryable && !last_attempt)) throw error;
      failures.push(error);
      done.push(failedResult(ip, error));
    }
  }
  if (failures.length === ips.length) throw worstOf(failures);
  return done;
}

function failedResult(ip: string, { code }: OpsError): Result<Failed> {
  return { ip, status: code === "outcome_unknown" ? "unverified" : "failed", rule_ids: [], expires_at: null, error: code };
}

/** That nobody knows about one address weighs more than that the others failed: somebody has to look. */
function worstOf(failures: readonly OpsError[]): OpsError {
  const worst = failures.find(({ code }) => code === "outcome_unknown") ?? failures[0] ?? new OpsError("internal", "no addresses");
  return new OpsError(worst.code, `all ${failures.length} addresses failed: ${worst.message}`, { text: worst.text, cause: worst });
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
