import type { NewDelivery } from "../../core/run.ts";
import type { Destination, Job } from "../../core/stores.ts";
import { firstLook, type JobRow, toJob } from "./sweepable.ts";

/** A delivery's row that a job is made of. */
export interface DeliveryJobRow extends JobRow, Destination {
  readonly status: string;
}

/** SQL: what a `DeliveryJobRow` is read from. */
export const JOB_COLUMNS = "delivery_id AS id, generation, status, platform, address, lane, caused_by";

/** The jobs of those rows that wait to be sent; one that is being sent comes back for what is new by itself. */
export function toDeliveryJobs(rows: readonly DeliveryJobRow[]): readonly Job[] {
  return rows.filter(({ status }) => status === "scheduled").map(toDeliveryJob);
}

function toDeliveryJob({ platform, address, lane, caused_by, ...row }: DeliveryJobRow): Job {
  return { ...toJob(row), to: { platform, address, lane, caused_by } };
}

/**
 * SQL that stores a delivery, for the address that its chat has moved to; a message that stood at the old one cannot be edited there.
 * @param first number of the first of the parameters that `toInsertValues` gives
 * @param source what is to have a row, or nothing is stored
 */
export function insertDelivery(first: number, source: string): string {
  const [id, request_id, run_id, platform, address, message_id, reply, locale, zone, lane, caused_by, delay_ms] = Array.from(
    { length: 12 },
    (_, index) => `$${first + index}::${index === 6 ? "json" : index === 11 ? "float8" : "text"}`,
  );
  const due = `now() + ${delay_ms} * interval '1 millisecond'`;
  return `
    INSERT INTO deliveries (delivery_id, request_id, run_id, platform, address, message_id, reply, locale, zone, lane, caused_by, due_at, sweep_at)
    SELECT ${id}, ${request_id}, ${run_id}, ${platform}, coalesce(moved.moved_to, ${address}), CASE WHEN moved.moved_to IS NULL THEN ${message_id} END,
      ${reply}, ${locale}, ${zone}, ${lane}, ${caused_by}, ${due}, ${firstLook(due)}
    FROM ${source} LEFT JOIN moved_addresses AS moved ON moved.platform = ${platform} AND moved.address = split_part(${address}, ':', 1)
    WHERE ${id} IS NOT NULL ON CONFLICT DO NOTHING`;
}

/** The parameters of `insertDelivery`. */
export function toInsertValues(delivery: NewDelivery | null): readonly unknown[] {
  if (delivery === null) return Array(12).fill(null);
  const { delivery_id, request_id, run_id, reply_to, reply, locale, zone, lane, caused_by, delay_ms } = delivery;
  const { platform, address, message_id } = reply_to;
  const words = JSON.stringify(reply);
  return [delivery_id, request_id, run_id, platform, address, message_id ?? null, words, locale, zone, lane, caused_by, delay_ms];
}
