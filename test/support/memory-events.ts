import { eventsOf, toBatch } from "../../core/events/batch.ts";
import type { CollectedEvent } from "../../core/events/event.ts";
import type { EventCount, EventCounting, EventFilter, EventWriter, FailedEvent, StoredEvent } from "../../core/events/ports.ts";
import type { EventTables } from "../../core/events/tables.ts";
import type { Clock } from "../../core/ports.ts";
import { createEvents } from "../../jobs/events/events.ts";
import { createMemoryEventQueue } from "./memory-event-queue.ts";

interface Row extends StoredEvent {
  readonly user_id: string;
  readonly stored_at: string;
}

/** Events in memory: the two tables, what is on its way to them, and the port over it all; test/contract holds that they are like those on PostgreSQL. */
export function createMemoryEvents(clock: Clock) {
  const rows = new Map<string, Row>();
  const failures = new Map<string, FailedEvent & { readonly payload: CollectedEvent }>();
  /** Ids that the table refuses, and why. */
  const refusals = new Map<string, string>();
  const now = () => clock.now().toISOString().replace("Z", "000Z");

  const writer: EventWriter = {
    async write(batch) {
      const events = eventsOf(batch);
      const refused = events.find(({ event_id }) => refusals.has(event_id));
      if (refused) throw new Error(refusals.get(refused.event_id));
      const fresh = events.map((event) => ({ ...event, parameters: rounded(event), stored_at: now() }));
      const before = rows.size;
      for (const row of fresh) if (!rows.has(row.event_id)) rows.set(row.event_id, row);
      return { stored: rows.size - before };
    },
    async fail(payload, reason) {
      const { event_id, user_id, event } = payload;
      const attempts = (failures.get(event_id)?.attempts ?? 0) + 1;
      failures.set(event_id, { event_id, user_id, event, reason, attempts, failed_at: now(), payload });
    },
  };
  const tables = createTables({ rows, failures, writer });
  const { queue, ...hands } = createMemoryEventQueue(writer);
  return { ...{ rows, failures, refusals, writer }, ...hands, events: createEvents({ tables, queue }) };
}

interface Tables {
  readonly writer: EventWriter;
  readonly rows: Map<string, Row>;
  readonly failures: Map<string, FailedEvent & { readonly payload: CollectedEvent }>;
}

function createTables({ rows, failures, writer }: Tables): EventTables {
  const latest = () => [...failures.values()].toSorted((a, b) => compare(b.failed_at, a.failed_at) || compare(a.event_id, b.event_id));
  return {
    async search(filter) {
      const found = [...rows.values()].filter((row) => isWanted(row, filter));
      const sorted = found.toSorted((a, b) => compare(b.event_datetime, a.event_datetime) || compare(a.event_id, b.event_id));
      return sorted.slice(0, filter.limit).map(({ user_id: _user, stored_at: _at, ...row }) => row);
    },
    async receipt(event_id) {
      const [row, failure] = [rows.get(event_id), failures.get(event_id)];
      if (row) return { event_id, status: "stored", stored_at: row.stored_at };
      return failure ? { event_id, status: "failed", failed_at: failure.failed_at, reason: failure.reason } : null;
    },
    count: async (counting) => countOf([...rows.values()], counting),
    async failed({ limit, after }) {
      const follows = ({ failed_at, event_id }: FailedEvent) =>
        !after || failed_at < after.failed_at || (failed_at === after.failed_at && event_id > after.event_id);
      return latest()
        .filter(follows)
        .slice(0, limit)
        .map(({ payload: _, ...failure }) => failure);
    },
    failedTotal: async () => failures.size,
    async failedIds(limit) {
      const oldest = [...failures.values()].toSorted((a, b) => compare(a.failed_at, b.failed_at) || compare(a.event_id, b.event_id));
      return oldest.slice(0, limit).map(({ event_id }) => event_id);
    },
    async restore(event_id) {
      const failure = failures.get(event_id);
      if (!failure) return null;
      const { stored } = await writer.write(toBatch([failure.payload]));
      failures.delete(event_id);
      return stored === 1 ? "stored" : "duplicate";
    },
    async refail(event_id, reason) {
      const failure = failures.get(event_id);
      if (failure) await writer.fail(failure.payload, reason);
    },
    async countOf(user_id) {
      return { stored: of(rows, user_id).length, failed: of(failures, user_id).length };
    },
    async deleteOf(user_id, limit) {
      const gone = of(rows, user_id).slice(0, limit);
      for (const { event_id } of gone) rows.delete(event_id);
      return { deleted: gone.length, last: gone.at(-1) ?? null };
    },
    async deleteFailedOf(user_id) {
      const gone = of(failures, user_id);
      for (const { event_id } of gone) failures.delete(event_id);
      return gone.length;
    },
  };
}

function countOf(rows: readonly Row[], { since, until, span_s, event, kinds }: EventCounting): EventCount[] {
  const wanted = rows.filter((row) => Date.parse(row.event_datetime) >= Date.parse(since) && (event === undefined || row.event === event));
  const totals = tally(wanted.map((row) => row.event));
  const ranked = [...totals].toSorted(([a, of_a], [b, of_b]) => of_b - of_a || compare(a, b)).map(([kind]) => kind);
  const told = new Set(ranked.slice(0, kinds));
  const spanOf = ({ event_datetime }: Row) => Math.floor(Math.min(Date.parse(event_datetime), Date.parse(until)) / span_s / 1_000);
  const counts = tally(wanted.map((row) => JSON.stringify([spanOf(row), told.has(row.event) ? row.event : null])));
  const found = [...counts].map(([key, count]) => {
    const [span, kind] = JSON.parse(key) as [number, string | null];
    return { at: new Date(span * span_s * 1_000).toISOString().replace("Z", "000Z"), event: kind, count };
  });
  return found.toSorted((a, b) => compare(a.at, b.at));
}

function tally(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function of<T extends { readonly user_id: string }>(all: ReadonlyMap<string, T>, user_id: string): T[] {
  return [...all.values()].filter((one) => one.user_id === user_id);
}

function isWanted(row: Row, { user_id, event, since, after }: EventFilter): boolean {
  if (row.user_id !== user_id || (event !== undefined && row.event !== event)) return false;
  if (since !== undefined && Date.parse(row.event_datetime) < Date.parse(since)) return false;
  if (!after) return true;
  return row.event_datetime < after.event_datetime || (row.event_datetime === after.event_datetime && row.event_id > after.event_id);
}

/** As a `numeric(18,4)` column has it: half a unit is rounded away from zero, by the decimal digits and not by the number's bits. */
function rounded({ parameters }: CollectedEvent): StoredEvent["parameters"] {
  if (!parameters) return null;
  const { price } = parameters;
  // Only so small a number is written with an exponent, among those that are taken.
  const words = typeof price === "number" && Math.abs(price) < 1e-6 ? "0" : String(price);
  const [, sign = "", whole = "0", fraction = ""] = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(words) ?? [];
  const units = BigInt(`${whole}${fraction.slice(0, 4).padEnd(4, "0")}`) + (Number(fraction[4] ?? 0) >= 5 ? 1n : 0n);
  if (units >= 10n ** 18n) throw new Error("numeric field overflow");
  const digits = String(units).padStart(5, "0");
  return { ...parameters, price: Number(`${units > 0n ? sign : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
