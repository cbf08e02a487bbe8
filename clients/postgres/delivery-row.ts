import type { NewDelivery } from "../../core/run.ts";
import type { Destination, Job } from "../../core/stores.ts";
import { firstLook, type JobRow, toJob } from "./sweepable.ts";

/** A delivery's row that a job is made of. */
export interface DeliveryJobRow extends JobRow, Destination {
  readonly status: string;
}

/** SQL: what a `DeliveryJobRow` is read from. */
export const JOB_COLUMNS = "delivery_id AS id, generation, status, platform, address, lane, caused_by";

/** SQL: the same of a table by this name. */
export const columnsOf = (row: string): string => JOB_COLUMNS.replaceAll(/(^|, )/g, `$1${row}.`);

/** The jobs of those rows that wait to be sent; one that is being sent comes back for what is new by itself. */
export function toDeliveryJobs(rows: readonly DeliveryJobRow[]): readonly Job[] {
  return rows.filter(({ status }) => status === "scheduled").map(toDeliveryJob);
}

function toDeliveryJob({ platform, address, lane, caused_by, ...row }: DeliveryJobRow): Job {
  return { ...toJob(row), to: { platform, address, lane, caused_by } };
}

const DUE = "now() + said.delay_ms * interval '1 millisecond'";

/**
 * SQL that reads what `toRecord` gives.
 * @param parameter a JSON array of them; each may name its `owner`, a row that it is to be stored with
 */
export const saidFrom = (parameter: string): string => `
  json_to_recordset(${parameter}::json) AS said(delivery_id text, request_id text, run_id text, platform text, address text, message_id text,
    reply text, locale text, zone text, lane text, caused_by text, delay_ms float8, owner text)`;

/**
 * SQL that stores deliveries, each for the address that its chat has moved to; a message that stood at the old one cannot be edited there.
 * @param source SQL of the `said`, see `saidFrom`
 */
export const insertDeliveries = (source: string): string => `
  INSERT INTO deliveries (delivery_id, request_id, run_id, platform, address, message_id, reply, locale, zone, lane, caused_by, due_at, sweep_at)
  SELECT said.delivery_id, said.request_id, said.run_id, said.platform, coalesce(moved.moved_to, said.address),
    CASE WHEN moved.moved_to IS NULL THEN said.message_id END,
    said.reply::json, said.locale, said.zone, said.lane, said.caused_by, ${DUE}, ${firstLook(DUE)}
  FROM ${source} LEFT JOIN moved_addresses AS moved ON moved.platform = said.platform AND moved.address = split_part(said.address, ':', 1)
  ON CONFLICT DO NOTHING`;

/** A delivery as `saidFrom` reads it. */
export function toRecord({ reply_to: { platform, address, message_id }, reply, ...delivery }: NewDelivery) {
  return { ...delivery, platform, address, message_id, reply: JSON.stringify(reply) };
}
