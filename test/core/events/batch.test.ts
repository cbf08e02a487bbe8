import { describe, expect, it } from "vitest";
import { eventsOf, isBatch, partOf, toBatch } from "../../../core/events/batch.ts";
import { anEvent } from "../../contract/events.contract.ts";

const events = [
  anEvent("a", { parameters: { order_id: "o", currency: "krw", price: "29.33" } }),
  anEvent("b"),
  anEvent("c", { parameters: { order_id: "0", currency: "", price: 0 } }),
];

describe("a batch", () => {
  it("gives back the events that went into it, over the queue's JSON too", () => {
    const batch = JSON.parse(JSON.stringify(toBatch(events)));
    expect(isBatch(batch)).toBe(true);
    expect(eventsOf(batch)).toEqual(events);
    expect(eventsOf(toBatch([]))).toEqual([]);
  });

  it("is cut into parts", () => {
    const batch = toBatch(events);
    expect(eventsOf(partOf(batch, 1, 2))).toEqual([events[1]]);
    expect([...eventsOf(partOf(batch, 0, 2)), ...eventsOf(partOf(batch, 2, 9))]).toEqual(events);
  });

  it.each([
    ...[null, undefined, 5, "v", [], {}, { v: 1 }, { ...toBatch(events), v: 2 }],
    ...[
      { ...toBatch(events), price: [1] },
      { ...toBatch(events), event: "login" },
      { ...toBatch(events), user_id: undefined },
    ],
  ])("of another release, or none, is not read: %j", (data) => {
    expect(isBatch(data)).toBe(false);
  });

  it("of a later release may have columns that this one does not know", () => {
    expect(isBatch({ ...toBatch(events), country: ["kr", "ru", "us"] })).toBe(true);
  });
});
