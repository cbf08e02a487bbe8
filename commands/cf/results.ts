import { z } from "zod";
import type { OpsError } from "../../core/errors.ts";
import { type Reply, raw, type Text, text } from "../../core/reply.ts";
import { isOpen } from "./each-address.ts";

/** What became of one network. */
export interface Result<Status extends string> {
  readonly ip: string;
  readonly status: Status;
  readonly rule_ids: readonly string[];
  /** RFC 3339; null: until it is lifted. */
  readonly expires_at: string | null;
  /** What stood in rules that were not ours, or the range that holds the address. */
  readonly notes?: string | undefined;
  /** The rule was made by somebody else, and taken over as ours. */
  readonly adopted?: boolean | undefined;
  /** A wider range that goes on blocking it. */
  readonly covered_by?: string | undefined;
  /** A code of the table of errors. */
  readonly error?: string | undefined;
}

/** The output of a command on networks: a result each, in the order they were given. */
export function results<const Statuses extends readonly [string, ...string[]]>(statuses: Statuses) {
  const result = z.object({
    ip: z.string(),
    status: z.enum(statuses),
    rule_ids: z.array(z.string()).readonly(),
    expires_at: z.string().nullable(),
    notes: z.string().optional(),
    adopted: z.boolean().optional(),
    covered_by: z.string().optional(),
    error: z.string().optional(),
  });
  return z.object({ results: z.array(result).readonly() });
}

/** What became of a network that was to be changed and could not be dealt with. */
export function givenUp(ip: string, error: OpsError, rule_ids: readonly string[] = []): Result<"failed" | "unverified"> {
  return { ip, status: isOpen(error) ? "unverified" : "failed", rule_ids, expires_at: null, error: error.code };
}

/** Rules shown one by one; a wide CIDR has hundreds. */
const SHOWN_RULES = 3;

/** One network as a sentence, several as a table. `prefix.<status>` says a status with the param `ip`, `prefix.title` the whole. */
export function presentResults(done: readonly Result<string>[], prefix: string): Reply {
  const tone = done.every(({ error, status }) => error === undefined && !["foreign", "unverified"].includes(status)) ? "ok" : "warn";
  const [only] = done;
  if (only && done.length === 1) {
    const fields = fieldsOf(only);
    return { tone, title: text(`${prefix}.${only.status}`, { ip: only.ip }), ...(fields.length > 0 && { fields }) };
  }
  const rows = done.map((result): Text[] => [raw(result.ip), text(`cf.status.${result.status}`), noteOf(result)]);
  const columns = [text("cf.column.ip"), text("cf.column.status"), text("cf.column.note")];
  return { tone, title: text(`${prefix}.title`, { count: done.length }), table: { columns, rows } };
}

function fieldsOf({ notes, rule_ids, expires_at, status, error }: Result<string>) {
  const shown = rule_ids.length > SHOWN_RULES ? [] : rule_ids;
  return [
    ...(notes ? [{ label: text(status === "covered" ? "cf.range" : "cf.notes"), value: raw(notes) }] : []),
    ...(expires_at ? [{ label: text("cf.until"), value: text("moment", { moment: { at: expires_at } }) }] : []),
    // Who wished it for a while finds that it stays.
    ...(status === "already_blocked" && !expires_at ? [{ label: text("cf.until"), value: text("cf.until_released") }] : []),
    ...(error ? [{ label: text("cf.error"), value: text(`errors.${error}`) }] : []),
    ...shown.map((rule_id) => ({ label: text("cf.rule"), value: raw(rule_id), code: true })),
    ...(shown.length < rule_ids.length ? [{ label: text("cf.rules"), value: raw(String(rule_ids.length)) }] : []),
  ];
}

function noteOf({ error, expires_at, notes }: Result<string>): Text {
  if (error) return text(`errors.${error}`);
  if (expires_at) return text("cf.until_moment", { moment: { at: expires_at } });
  return raw(notes ?? "");
}
