import type { AuditReader, DeliveryFate, DeskPorts } from "../../core/desk-ports.ts";
import type { Registry } from "../../core/registry.ts";
import type { DeliveryStore, RunStore } from "../../core/stores.ts";
import type { Enqueue } from "../../jobs/enqueue.ts";
import { createOutbox } from "../../jobs/outbox.ts";
import { createRunControl } from "../../jobs/run-control.ts";
import type { Platforms } from "./platforms.ts";

/** What these ports are made of. */
interface DeskPortParts {
  readonly stores: {
    readonly runs: RunStore;
    readonly deliveries: DeliveryStore;
    readonly trail: AuditReader;
    readonly fate: DeliveryFate;
  };
  readonly registry: Registry;
  readonly platforms: Pick<Platforms, "telegram">;
  readonly enqueueDeliveries: Enqueue;
}

/** What the commands about the desk itself use. */
export function createDeskPorts({ stores, registry, platforms, enqueueDeliveries }: DeskPortParts): DeskPorts {
  const { runs, deliveries, trail, fate } = stores;
  const reaches = (platform: string) => platform === "telegram" && platforms.telegram !== null;
  return {
    trail,
    control: createRunControl({ runs, registry, enqueueDeliveries }),
    outbox: createOutbox({ deliveries, fate, enqueueDeliveries, reaches }),
  };
}
