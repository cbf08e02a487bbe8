import { describe, expect, it } from "vitest";
import { eventsOf, holdsEvent, isBatch, joinBatches, toBatch } from "../../../core/events/batch.ts";
import { anEvent } from "../../contract/events.contract.ts";

const events = [
  anEvent("a", { parameters: { order_id: "o", currency: "krw", price: "29.33" } }),
  anEvent("b"),
  anEvent("c", { parameters: { order_id: "0", currency: "", price: "0" } }),
];

describe("a batch", () => {
  it("gives back the events that went into it, over the queue's JSON too", () => {
    const batch = JSON.parse(JSON.stringify(toBatch(events)));
    expect(isBatch(batch)).toBe(true);
    expect(eventsOf(batch)).toEqual(events);
    expect(eventsOf(toBatch([]))).toEqual([]);
  });

  it("of several gives back the events of all, in their order", () => {
    const more = [
      anEvent("d", { event: "view", user_id: "lee" }),
      anEvent("e", { parameters: { order_id: "p", currency: "eur", price: "1" } }),
    ];
    const joined = joinBatches([toBatch(events), toBatch(more), toBatch(events.slice(2))]);
    expect(joined.count).toBe(6);
    expect(eventsOf(joined)).toEqual([...events, ...more, ...events.slice(2)]);
    expect(joinBatches([toBatch(more)])).toEqual(toBatch(more));
  });

  it("knows which events are in it", () => {
    const batch = toBatch(events);
    expect(holdsEvent(batch, "b")).toBe(true);
    expect(holdsEvent(toBatch([anEvent("abc")]), "b")).toBe(false);
  });

  it.each([
    ...[null, undefined, 5, "v", [], {}, { v: 1 }, { ...toBatch(events), v: 2 }],
    ...[
      { ...toBatch(events), price: [1] },
      { ...toBatch(events), event: ["login"] },
      { ...toBatch(events), count: "3" },
      { ...toBatch(events), user_id: undefined },
    ],
  ])("of another release, or none, is not read: %j", (data) => {
    expect(isBatch(data)).toBe(false);
  });

  it("of a later release may have columns that this one does not know", () => {
    expect(isBatch({ ...toBatch(events), country: "kr" })).toBe(true);
  });
});
