import type { DeliveryFate, Outbox } from "../core/desk-ports.ts";
import type { DeliveryStore } from "../core/stores.ts";
import type { Enqueue } from "./enqueue.ts";
import { pause } from "./pause.ts";

/** What saying things needs. */
export interface OutboxDeps {
  readonly deliveries: Pick<DeliveryStore, "insert">;
  readonly fate: DeliveryFate;
  readonly enqueueDeliveries: Enqueue;
  /** Whether a platform is on. */
  readonly reaches: (platform: string) => boolean;
}

const FIRST_LOOK_MS = 50;
const SLOWER_BY = 1.5;
const SLOWEST_LOOK_MS = 500;

/**
 * Whoever waits for a message holds the seat of a run, and the platform's pace is not to become everybody's: more than these are told at once that
 * it waits, and try again later.
 */
const MAX_WAITING = 4;

/** Makes the port by which commands say things; the gateway sends them in its own pace. */
export function createOutbox({ deliveries, fate, enqueueDeliveries, reaches }: OutboxDeps): Outbox {
  let waiting = 0;
  return {
    reaches,
    async say({ delivery_id, request_id, to, reply, caused_by }) {
      // Somebody's own words are the same in every language.
      const spoken = { locale: "en", zone: "UTC" } as const;
      // It goes behind the answers to people who wait for one.
      const turn = { lane: "bulk", caused_by, delay_ms: 0 } as const;
      await enqueueDeliveries(await deliveries.insert({ delivery_id, request_id, run_id: null, reply_to: to, reply, ...spoken, ...turn }));
    },
    async wait(delivery_id, within_ms, signal) {
      const said = await fate.look(delivery_id);
      if (said.status !== "waiting" || waiting >= MAX_WAITING) return said;
      waiting += 1;
      try {
        return await lookAgain(fate, { delivery_id, within_ms, signal });
      } finally {
        waiting -= 1;
      }
    },
    withdraw: fate.withdraw,
  };
}

/** Looks until the message waits no more, ever more seldom. */
async function lookAgain(
  fate: DeliveryFate,
  { delivery_id, within_ms, signal }: { readonly delivery_id: string; readonly within_ms: number; readonly signal: AbortSignal },
): ReturnType<DeliveryFate["look"]> {
  let rest = FIRST_LOOK_MS;
  for (let waited = 0; waited < within_ms && !signal.aborted; waited += rest) {
    rest = Math.min(rest * SLOWER_BY, SLOWEST_LOOK_MS);
    await pause(rest, signal);
    const said = await fate.look(delivery_id);
    if (said.status !== "waiting") return said;
  }
  return fate.look(delivery_id);
}
