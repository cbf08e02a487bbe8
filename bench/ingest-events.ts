import type { CollectedEvent } from "../core/events/event.ts";

/** People whom the events are about. */
export const PEOPLE = 50_000;

/** Makes events, each with an id of its own that is as long as a UUID; people take turns. */
export function benchEvents(name: string): (count: number) => CollectedEvent[] {
  let made = 0;
  const seed = Math.random().toString(16).slice(2, 10).padEnd(8, "0");
  const make = (): CollectedEvent => {
    made += 1;
    return {
      event_id: `${seed}-${name}-${made.toString(16).padStart(22, "0")}`,
      event: "purchase",
      user_id: String((made * 7_919) % PEOPLE),
      event_datetime: `${new Date().toISOString().slice(0, -1)}000Z`,
      parameters: { order_id: String(made), currency: "usd", price: (made % 10_000) / 100 },
    };
  };
  return (count) => Array.from({ length: count }, make);
}
