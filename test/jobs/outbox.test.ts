import { expect, it, vi } from "vitest";
import type { Said } from "../../core/desk-ports.ts";
import { raw } from "../../core/reply.ts";
import type { NewDelivery } from "../../core/run.ts";
import { createOutbox } from "../../jobs/outbox.ts";

const { signal } = new AbortController();
const WAITING: Said = { status: "waiting", message_id: null, error: null };
const SENT: Said = { status: "sent", message_id: "9", error: null };

/** An outbox whose messages wait until `becomes` says otherwise. */
function open() {
  const stored: NewDelivery[] = [];
  const state = { said: WAITING, looks: 0 };
  const outbox = createOutbox({
    deliveries: {
      async insert(delivery) {
        stored.push(delivery);
        return [];
      },
    },
    fate: {
      async look() {
        state.looks += 1;
        return state.said;
      },
      withdraw: async () => null,
    },
    enqueueDeliveries: async () => undefined,
    reaches: () => true,
  });
  return { outbox, stored, state };
}

it("what commands say goes behind the answers to people", async () => {
  const { outbox, stored } = open();
  const to = { platform: "telegram", address: "77" };
  await outbox.say({ delivery_id: "d", request_id: "r", to, reply: { tone: "plain", title: raw("hello") }, caused_by: "p1" });
  expect(stored).toMatchObject([{ delivery_id: "d", lane: "bulk", caused_by: "p1" }]);
});

it("those that wait for their messages do not keep everybody's seats: past four one is told at once how it stands", async () => {
  const { outbox, state } = open();
  const four = Promise.all(["a", "b", "c", "d"].map((id) => outbox.wait(id, 60_000, signal)));
  await vi.waitFor(() => expect(state.looks).toBeGreaterThanOrEqual(4));
  expect(await outbox.wait("e", 60_000, signal)).toEqual(WAITING);
  state.said = SENT;
  expect(await outbox.wait("e", 60_000, signal)).toEqual(SENT);
  expect(await four).toEqual(Array(4).fill(SENT));
  state.said = WAITING;
  expect(await outbox.wait("f", 1, signal)).toEqual(WAITING);
});
