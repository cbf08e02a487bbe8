import { randomUUID } from "node:crypto";
import type { CollectedEvent } from "../core/events/event.ts";

/** People whom the events are about. */
const PEOPLE = 50_000;

/** Makes events as clients do: each with a UUID of its own; people take turns. */
export function benchEvents(): (count: number) => CollectedEvent[] {
  let made = 0;
  const make = (): CollectedEvent => {
    made += 1;
    return {
      event_id: randomUUID(),
      event: "purchase",
      user_id: String((made * 7_919) % PEOPLE),
      event_datetime: `${new Date().toISOString().slice(0, -1)}000Z`,
      parameters: { order_id: String(made), currency: "usd", price: (made % 10_000) / 100 },
    };
  };
  return (count) => Array.from({ length: count }, make);
}
