import { beforeEach, describe, expect, it } from "vitest";
import type { CollectedEvent } from "../../core/events/event.ts";
import type { FailedEvent } from "../../core/events/ports.ts";
import { anEvent, type EventsUnderTest } from "./events.contract.ts";

const HOUR = 3_600_000;
const never = new AbortController().signal;
const statuses = (results: readonly { readonly event_id: string; readonly status: string }[]) =>
  Object.fromEntries(results.map(({ event_id, status }) => [event_id, status]));

/** What events that cannot be stored are, and forgetting, wherever events are kept. */
export function describeFailedEvents(name: string, open: () => Promise<EventsUnderTest>): void {
  describe(name, () => {
    let under: EventsUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    const written = async (...events: readonly CollectedEvent[]) => {
      await under.collect(events);
      await under.writes();
    };
    const failing = async (...ids: readonly string[]) => {
      for (const id of ids) await under.refuses(id, `no ${id}`);
      await written(...ids.map((id) => anEvent(id)));
    };
    const found = async (user_id = "kim") => (await under.events.search({ user_id, limit: 99 })).map(({ event_id }) => event_id);
    const failures = async () => (await under.events.failed({ limit: 99 })).events.map(({ event_id }) => event_id);
    const replay = (event_ids: readonly string[] | "all", limit = 99, signal = never) => under.events.replay({ event_ids, limit }, signal);

    it("one that is refused fails alone, wherever it stands, with the reason", async () => {
      for (const id of ["e-0", "e-6", "e-7", "e-12"]) await under.refuses(id, `no ${id}`);
      await written(...Array.from({ length: 13 }, (_, n) => anEvent(`e-${n}`, { event: "purchase" })));
      expect(await found()).toHaveLength(9);
      const { events, total } = await under.events.failed({ limit: 99 });
      expect(total).toBe(4);
      expect(events.map(({ event_id, reason }) => [event_id, reason]).toSorted()).toEqual([
        ["e-0", "no e-0"],
        ["e-12", "no e-12"],
        ["e-6", "no e-6"],
        ["e-7", "no e-7"],
      ]);
      expect(events[0]).toMatchObject({ user_id: "kim", event: "purchase", attempts: 1 });
      expect(under.written).toEqual({ stored: 9, duplicates: 0, failed: 4 });
    });

    it("one that fails when it is sent again is one failure, tried twice, with the latest reason", async () => {
      await failing("a");
      await under.refuses("a", "still not");
      await written(anEvent("a"));
      expect(await under.events.failed({ limit: 9 })).toMatchObject({ total: 1, events: [{ attempts: 2, reason: "still not" }] });
    });

    it.each([1, 2, 3])("pages of %s, the latest failure first, are exact also where many failed in one millisecond", async (limit) => {
      await failing("a", "b", "c");
      await under.failedAtOnce(2 * HOUR);
      await failing("x", "y");
      await under.failedAtOnce(HOUR);
      await failing("m");
      await under.refuses("m", null);
      const pages: FailedEvent[] = [];
      for (let { events, total } = await under.events.failed({ limit }); events.length > 0; ) {
        expect(total).toBe(6);
        pages.push(...events);
        const after = events.at(-1);
        ({ events, total } = await under.events.failed({ limit, ...(after && { after }) }));
      }
      expect(pages.map(({ event_id }) => event_id)).toEqual(await failures());
      expect(await failures()).toHaveLength(6);
      expect((await failures())[0]).toBe("m");
      expect(new Set(pages.map(({ event_id }) => event_id)).size).toBe(6);
    });

    it("that are tried again are stored as they were collected, and fail no more", async () => {
      const parameters = { order_id: 'o "1"', currency: "krw", price: 29.330_05 };
      const odd = anEvent("a\\b", { event: "purchase\n", user_id: "김 {1}", event_datetime: "2026-01-02T03:04:05.678901Z", parameters });
      await under.refuses(odd.event_id, "no");
      await written(odd);
      await under.refuses(odd.event_id, null);
      expect(await replay([odd.event_id])).toEqual({ results: [{ event_id: odd.event_id, status: "stored" }], left: 0, done: true });
      const { user_id, ...kept } = odd;
      expect(await under.events.search({ user_id, limit: 9 })).toEqual([{ ...kept, parameters: { ...parameters, price: 29.3301 } }]);
      expect(await failures()).toEqual([]);
    });

    it("each says for itself what became of it", async () => {
      await failing("a", "b", "c");
      await under.refuses("a", null);
      await under.refuses("c", null);
      await written(anEvent("c", { event: "sent again" }));
      const { results, left, done } = await replay(["c", "a", "none", "b"]);
      expect(results).toEqual([
        { event_id: "c", status: "duplicate" },
        { event_id: "a", status: "stored" },
        { event_id: "none", status: "unknown" },
        { event_id: "b", status: "failed", reason: "no b" },
      ]);
      expect({ left, done }).toEqual({ left: 1, done: true });
      expect((await under.events.failed({ limit: 9 })).events).toMatchObject([{ event_id: "b", attempts: 2 }]);
      // Tried once more by a run that did not see its end.
      expect(statuses((await replay(["c", "a", "none", "b"])).results)).toEqual({
        ...{ c: "duplicate", a: "duplicate", none: "unknown", b: "failed" },
      });
      expect((await under.events.search({ user_id: "kim", event: "sent again", limit: 9 })).length).toBe(1);
    });

    it("all of them are tried the oldest first, so many at a time, and what fails again comes last", async () => {
      await failing("z");
      await under.failedAtOnce(3 * HOUR);
      await failing("a");
      await under.failedAtOnce(2 * HOUR);
      await failing("m");
      await under.refuses("a", null);
      await under.refuses("m", null);
      const first = await replay("all", 2);
      expect(first).toMatchObject({ left: 2, done: true });
      expect(statuses(first.results)).toEqual({ z: "failed", a: "stored" });
      expect(Object.keys(statuses((await replay("all", 1)).results))).not.toContain("a");
      expect(await found()).toContain("a");
    });

    it("trying stops when it is told to, and says so", async () => {
      await failing("a", "b");
      expect(await replay(["a", "b"], 99, AbortSignal.abort())).toEqual({ results: [], left: 2, done: false });
    });

    it("forgetting takes everything of one user, however much, and nothing of others", async () => {
      const many = Array.from({ length: 2_500 }, (_, n) => anEvent(`e-${n}`, { event_datetime: `2026-11-22T00:00:00.00000${n % 3}Z` }));
      await written(...many, anEvent("other", { user_id: "lee" }));
      await failing("bad");
      await under.refuses("worse", "no");
      await written(anEvent("worse", { user_id: "lee" }));
      expect(await under.events.countOf("kim")).toEqual({ stored: 2_500, failed: 1 });
      expect(await under.events.forget("kim", never)).toEqual({ stored: 2_500, failed: 1, done: true });
      expect(await under.events.countOf("kim")).toEqual({ stored: 0, failed: 0 });
      expect([await found(), await found("lee"), await failures()]).toEqual([[], ["other"], ["worse"]]);
      expect(await under.events.forget("kim", never)).toEqual({ stored: 0, failed: 0, done: true });
    });

    it("forgetting takes what was still queued, too", async () => {
      await under.refuses("bad", "no");
      await under.collect([anEvent("queued"), anEvent("bad")]);
      expect(await under.events.forget("kim", never)).toEqual({ stored: 1, failed: 1, done: true });
      expect([await found(), await failures()]).toEqual([[], []]);
      expect(await under.events.receipt("queued")).toBeNull();
    });

    it("forgetting deletes nothing while the queue is not written, and gives up when it is told to", async () => {
      await written(anEvent("stored"));
      under.stuck.on = true;
      const stopping = new AbortController();
      const forgetting = under.events.forget("kim", stopping.signal);
      stopping.abort();
      expect(await forgetting).toEqual({ stored: 0, failed: 0, done: false });
      expect(await found()).toEqual(["stored"]);
    });

    it("what is tried again while its user is forgotten is not stored afterwards", async () => {
      const ids = Array.from({ length: 40 }, (_, n) => `e-${n}`);
      await failing(...ids);
      for (const id of ids) await under.refuses(id, null);
      const [{ results }] = await Promise.all([replay("all"), under.events.forget("kim", never)]);
      expect(results.map(({ status }) => status).filter((status) => status === "failed")).toEqual([]);
      expect(await under.events.countOf("kim")).toEqual({ stored: 0, failed: 0 });
    });
  });
}
