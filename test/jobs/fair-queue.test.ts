import { describe, expect, it } from "vitest";
import { createFairQueue, type Waiting } from "../../jobs/outbound/fair-queue.ts";

const aMessage = (delivery_id: string, address: string, more: Partial<Waiting> = {}): Waiting => ({
  ...{ delivery_id, address, lane: "interactive", caused_by: address, seen_at: 0 },
  ...more,
});

/** A queue from which so many messages are taken, each of which is sent before the next. */
function takeTurns(messages: readonly Waiting[], count: number, lane: Waiting["lane"] = "interactive"): string[] {
  const queue = createFairQueue();
  for (const message of messages) queue.add(message);
  const taken: string[] = [];
  for (let next = queue.next(lane); next && taken.length < count; next = queue.next(lane)) {
    taken.push(next.delivery_id);
    queue.turnOver(next);
    queue.remove(next.delivery_id);
  }
  return taken;
}

const many = (count: number, name: string, more: Partial<Waiting> & { readonly chats: number }) =>
  Array.from({ length: count }, (_, index) => aMessage(`${name}${index}`, `${name} ${index % more.chats}`, { caused_by: name, ...more }));

describe("messages take turns", () => {
  it("by person, however many each of them has, and in however many chats", () => {
    const messages = [...many(1_000, "ann", { chats: 100 }), ...many(2, "bob", { chats: 1 }), ...many(1, "cy", { chats: 1 })];
    expect(takeTurns(messages, 6)).toEqual(["ann0", "bob0", "cy0", "ann1", "bob1", "ann2"]);
  });

  it("then by chat, and in a chat in their order", () => {
    expect(takeTurns(many(5, "ann", { chats: 2 }), 9)).toEqual(["ann0", "ann1", "ann2", "ann3", "ann4"]);
    const uneven = [aMessage("a1", "1"), aMessage("a2", "1"), aMessage("b1", "2")].map((one) => ({ ...one, caused_by: "ann" }));
    expect(takeTurns(uneven, 9)).toEqual(["a1", "b1", "a2"]);
  });

  it("in a chat of many people in the order in which they came", () => {
    const group = ["ann", "ann", "bob", "ann"].map((caused_by, index) => aMessage(`g${index}`, "-1", { caused_by }));
    expect(takeTurns([...group, aMessage("c0", "2", { caused_by: "cy" })], 9)).toEqual(["g0", "c0", "g1", "g2", "g3"]);
  });

  it("chat by chat where nobody has caused them", () => {
    const notices = ["1", "1", "2", "3"].map((address, index) => aMessage(`n${index}`, address, { caused_by: null, lane: "bulk" }));
    expect(takeTurns(notices, 9, "bulk")).toEqual(["n0", "n2", "n3", "n1"]);
    expect(takeTurns(notices, 9)).toEqual([]);
  });
});

describe("a turn", () => {
  it("is kept until it is taken", () => {
    const queue = createFairQueue();
    for (const id of ["a", "b"]) queue.add(aMessage(id, id));
    expect([queue.next("interactive"), queue.next("interactive")].map((message) => message?.delivery_id)).toEqual(["a", "a"]);
    queue.turnOver(aMessage("a", "a"));
    expect(queue.next("interactive")?.delivery_id).toBe("b");
  });

  it("that could not be used is given back, before those of people who came meanwhile", () => {
    const queue = createFairQueue();
    const messages = many(3, "ann", { chats: 3 });
    for (const message of messages) queue.add(message);
    for (const message of messages) {
      queue.turnOver(message);
      queue.close(message.address);
    }
    queue.add(aMessage("bob0", "bob"));
    queue.giveBack(messages.slice(1));
    const taken: unknown[] = [];
    for (let next = queue.next("interactive"); next; next = queue.next("interactive")) {
      taken.push(next.delivery_id);
      queue.turnOver(next);
      queue.remove(next.delivery_id);
    }
    expect(taken).toEqual(["ann1", "bob0", "ann2"]);
  });

  it("is not given to a closed chat, and is given to it again when it is open", () => {
    const queue = createFairQueue();
    queue.add(aMessage("a", "1"));
    queue.close("1");
    queue.add(aMessage("b", "1"));
    expect(queue.next("interactive")).toBeUndefined();
    queue.open("1");
    expect(queue.next("interactive")?.delivery_id).toBe("a");
  });

  it("of what is put first is the next of its chat, and nothing is there twice", () => {
    const queue = createFairQueue();
    for (const id of ["a", "b", "a"]) queue.add(aMessage(id, "1"));
    queue.addFirst(aMessage("b", "1"));
    expect([queue.next("interactive")?.delivery_id, queue.size()]).toEqual(["b", 2]);
    for (const id of ["a", "b", "unknown"]) queue.remove(id);
    expect([queue.next("interactive"), queue.size(), queue.has("a")]).toEqual([undefined, 0, false]);
  });
});
