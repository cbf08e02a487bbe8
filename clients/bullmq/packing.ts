import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import type { EventBatch } from "../../core/events/batch.ts";

/** A batch as it is kept where each byte costs: deflated JSON, as base64. */
export interface PackedBatch {
  readonly v: 1;
  readonly deflated: string;
}

/** What is in a job: a batch, packed or as it is. */
export type BatchData = EventBatch | PackedBatch;

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
/** So many events are worth it: PostgreSQL takes longer to read, compress and write what it saves than zlib takes, on a thread of its own. */
const WORTH_IT = 100;

/** Packs a large batch. */
export async function packBatch(batch: EventBatch): Promise<BatchData> {
  if (batch.event_id.length < WORTH_IT) return batch;
  return { v: 1, deflated: (await deflate(JSON.stringify(batch), { level: 1 })).toString("base64") };
}

/** What is in a job, unpacked; what is no packed batch is given back as it is. */
export async function unpackBatch(data: unknown): Promise<unknown> {
  const { deflated } = (data ?? {}) as { deflated?: unknown };
  if (typeof deflated !== "string") return data;
  return JSON.parse((await inflate(Buffer.from(deflated, "base64"))).toString("utf8"));
}
