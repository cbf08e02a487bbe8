import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Dispatch } from "../../core/dispatch.ts";
import type { Health } from "../../core/ports.ts";
import type { DeliveryStore } from "../../core/stores.ts";
import type { EventMeter } from "../../jobs/events/writer.ts";
import type { GatewayMeter } from "../../jobs/outbound/deliver.ts";
import { createEventMeter } from "./event-metrics.ts";
import type { Queues } from "./queues.ts";

/** What is measured, in Prometheus' text form. */
export interface Metrics {
  text(): Promise<string>;
  /** Counts outcomes on their way. */
  counting(dispatch: Dispatch): Dispatch;
  /** Counts what became of messages in this process. */
  readonly gateway: GatewayMeter;
  /** Counts events in this process. */
  readonly events: EventMeter;
}

/** The measures of this process; those of queues and parts are taken when they are asked for. */
export function createMetrics(
  queues: Pick<Queues, "runs" | "deliveries" | "events">,
  deliveries: Pick<DeliveryStore, "backlog">,
  health: Health,
): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const outcomes = new Counter({
    name: "switchboard_outcomes_total",
    help: "Requests by what became of them",
    labelNames: ["kind"],
    registers,
  });
  new Gauge({
    name: "switchboard_queue_jobs",
    help: "Jobs by queue and state",
    labelNames: ["queue", "state"],
    registers,
    async collect() {
      for (const queue of ["runs", "deliveries"] as const) {
        const counts = await queues[queue].counts().catch(() => ({}));
        for (const [state, count] of Object.entries(counts)) this.set({ queue, state }, count);
      }
    },
  });
  new Gauge({
    name: "switchboard_part_up",
    help: "1 where a part works, 0.5 where it is degraded, 0 where it is down",
    labelNames: ["part"],
    registers,
    async collect() {
      const worth = { ok: 1, degraded: 0.5, down: 0 };
      for (const { part, state } of await health.check()) this.set({ part }, worth[state]);
    },
  });
  measureBacklog(registers, deliveries);
  return {
    gateway: createGatewayMeter(registers),
    events: createEventMeter(registers, queues.events),
    text: () => register.metrics(),
    counting: (dispatch) => async (request) => {
      const outcome = await dispatch(request);
      outcomes.inc({ kind: outcome.kind });
      return outcome;
    },
  };
}

/** What waits in the database, over all processes. */
function measureBacklog(registers: Registry[], deliveries: Pick<DeliveryStore, "backlog">): void {
  const labelNames = ["lane", "state"] as const;
  const backlog = onceAtATime(() => deliveries.backlog().catch(() => []));
  new Gauge({
    name: "switchboard_deliveries_oldest_seconds",
    help: "How long the oldest message that is due, or being sent, has waited",
    labelNames,
    registers,
    async collect() {
      const waiting = await backlog();
      this.reset();
      for (const { lane, state, oldest_s } of waiting) if (state !== "later") this.set({ lane, state }, oldest_s);
    },
  });
  new Gauge({
    name: "switchboard_deliveries_open",
    help: "Messages that are due later, due now, or being sent",
    labelNames,
    registers,
    async collect() {
      const waiting = await backlog();
      this.reset();
      for (const { lane, state, count } of waiting) this.set({ lane, state }, count);
    },
  });
}

/** Measures are collected side by side, and each on its own: those of one statement share it. */
function onceAtATime<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | null = null;
  return () => {
    asked ??= ask().finally(() => {
      asked = null;
    });
    return asked;
  };
}

function createGatewayMeter(registers: Registry[]): GatewayMeter {
  const messages = new Counter({
    name: "switchboard_messages_total",
    help: "Messages handed to a platform by what became of them; limited: a 429 that is obeyed",
    labelNames: ["platform", "outcome"],
    registers,
  });
  return { count: (platform, outcome) => messages.inc({ platform, outcome }) };
}
