import type { IdempotencyStore, KeptAnswer } from "../../core/stores.ts";
import type { TestClock } from "./clock.ts";

interface Row {
  readonly body_hash: string;
  readonly request_id: string;
  readonly at: number;
  answer: KeptAnswer | null;
}

const DAY_MS = 86_400_000;

/** Answers by Idempotency-Key in memory, by the same rules as those in PostgreSQL. */
export function createMemoryIdempotency(clock: Pick<TestClock, "ms">): IdempotencyStore {
  const rows = new Map<string, Row>();
  return {
    async begin({ owner, route, key }, request) {
      const slot = JSON.stringify([owner, route, key]);
      const found = rows.get(slot);
      const row = found && found.at >= clock.ms() - DAY_MS ? found : { ...request, at: clock.ms(), answer: null };
      rows.set(slot, row);
      return { body_hash: row.body_hash, request_id: row.request_id, answer: row.answer };
    },
    async keep(request_id, answer) {
      const row = [...rows.values()].find((each) => each.request_id === request_id);
      if (row) row.answer ??= answer;
      return row?.answer ?? answer;
    },
  };
}
