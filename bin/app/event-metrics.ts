import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { EventQueue } from "../../core/events/ports.ts";
import type { EventMeter } from "../../jobs/events/writer.ts";

/** Sizes of batches: one, a few, what 64 connections send at once, and the most that go together. */
const SIZES = [1, 5, 10, 25, 50, 100, 250, 500];

/** What is measured of events: in this process what was accepted and written; over all processes what waits. */
export function createEventMeter(registers: Registry[], queue: Pick<EventQueue, "backlog" | "total">): EventMeter {
  const counter = (what: string, help: string) => new Counter({ name: `switchboard_events_${what}_total`, help, registers });
  new Counter({
    name: "switchboard_events_accepted_total",
    help: "Events that were durably queued, and so acknowledged",
    registers,
    collect() {
      this.reset();
      this.inc(queue.total());
    },
  });
  const stored = counter("stored", "Events written to the table");
  const duplicates = counter("duplicates", "Events that were in the table already, by their event_id");
  const failed = counter("failed", "Events that could not be written; see /event_failed");
  const size = new Histogram({ name: "switchboard_events_batch_size", help: "Events written together", buckets: SIZES, registers });
  new Gauge({
    name: "switchboard_events_queued_batches",
    help: "Batches of events that wait to be written, or are being written",
    registers,
    async collect() {
      this.set((await queue.backlog().catch(() => null))?.batches ?? Number.NaN);
    },
  });
  new Gauge({
    name: "switchboard_events_oldest_seconds",
    help: "How long the oldest event that is not yet in the table has waited",
    registers,
    async collect() {
      this.set(((await queue.backlog().catch(() => null))?.oldest_ms ?? Number.NaN) / 1_000);
    },
  });
  return {
    written(counts) {
      stored.inc(counts.stored);
      duplicates.inc(counts.duplicates);
      failed.inc(counts.failed);
      size.observe(counts.stored + counts.duplicates + counts.failed);
    },
  };
}
