import { z } from "zod";
import type { OpsError } from "../../core/errors.ts";
import { type Reply, raw, type Text, text } from "../../core/reply.ts";
import { isOpen } from "./each-address.ts";

/** What became of one address. */
export interface Result<Status extends string> {
  readonly ip: string;
  readonly status: Status;
  readonly rule_ids: readonly string[];
  /** RFC 3339; null: until it is lifted. */
  readonly expires_at: string | null;
  /** What stood in rules that were not ours. */
  readonly notes?: string | undefined;
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
    notes: z.string().optional(),
    error: z.string().optional(),
  });
  return z.object({ results: z.array(result).readonly() });
}

/** What became of an address that was to be changed and could not be dealt with. */
export function givenUp(ip: string, error: OpsError): Result<"failed" | "unverified"> {
  return { ip, status: isOpen(error) ? "unverified" : "failed", rule_ids: [], expires_at: null, error: error.code };
}

/** One address as a sentence, several as a table. `prefix.<status>` says a status with the param `ip`, `prefix.title` the whole. */
export function presentResults(done: readonly Result<string>[], prefix: string): Reply {
  const tone = done.every(({ error }) => error === undefined) ? "ok" : "warn";
  const [only] = done;
  if (only && done.length === 1) {
    const notes = only.notes ? [{ label: text("cf.notes"), value: raw(only.notes) }] : [];
    const rules = only.rule_ids.map((rule_id) => ({ label: text("cf.rule"), value: raw(rule_id), code: true }));
    const fields = [...notes, ...rules];
    return { tone, title: text(`${prefix}.${only.status}`, { ip: only.ip }), ...(fields.length > 0 && { fields }) };
  }
  const rows = done.map(({ ip, status, notes, error }): Text[] => [
    raw(ip),
    text(`cf.status.${status}`),
    error ? text(`errors.${error}`) : raw(notes ?? ""),
  ]);
  const columns = [text("cf.column.ip"), text("cf.column.status"), text("cf.column.note")];
  return { tone, title: text(`${prefix}.title`, { count: done.length }), table: { columns, rows } };
}
