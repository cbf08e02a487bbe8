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

/** Makes the port by which commands say things; the gateway sends them in its own pace. */
export function createOutbox({ deliveries, fate, enqueueDeliveries, reaches }: OutboxDeps): Outbox {
  return {
    reaches,
    async say({ delivery_id, request_id, to, reply, caused_by }) {
      // Somebody's own words are the same in every language.
      const spoken = { locale: "en", zone: "UTC" } as const;
      const turn = { lane: "interactive", caused_by, delay_ms: 0 } as const;
      await enqueueDeliveries(await deliveries.insert({ delivery_id, request_id, run_id: null, reply_to: to, reply, ...spoken, ...turn }));
    },
    async wait(delivery_id, within_ms, signal) {
      let said = await fate.look(delivery_id);
      let rest = FIRST_LOOK_MS;
      for (let waited = 0; said.status === "waiting" && waited < within_ms && !signal.aborted; waited += rest) {
        rest = Math.min(rest * SLOWER_BY, SLOWEST_LOOK_MS);
        await pause(rest, signal);
        said = await fate.look(delivery_id);
      }
      return said;
    },
    withdraw: fate.withdraw,
  };
}
