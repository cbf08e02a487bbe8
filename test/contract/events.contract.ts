import { beforeEach, describe, expect, it } from "vitest";
import type { CollectedEvent } from "../../core/events/event.ts";
import type { Events, StoredEvent } from "../../core/events/ports.ts";

/** Events to be tried, and hands on their tables. */
export interface EventsUnderTest {
  readonly events: Events;
  /** Puts them into the queue. */
  collect(events: readonly CollectedEvent[]): Promise<void>;
  /** The worker writes what is in the queue, as one batch. */
  writes(): Promise<void>;
  /** What the worker has told of what it wrote. */
  readonly written: { readonly stored: number; readonly duplicates: number; readonly failed: number };
  /** The queue is not written until the one who waits gives up. */
  readonly stuck: { on: boolean };
  /** The table refuses an event, or takes it again. */
  refuses(event_id: string, reason: string | null): Promise<void>;
  /** All failures until now happened in the same millisecond, so long ago. */
  failedAtOnce(ago_ms: number): Promise<void>;
}

/** An event; what matters to a test is given. */
export const anEvent = (event_id: string, more: Partial<CollectedEvent> = {}): CollectedEvent => ({
  ...{ event_id, event: "login", user_id: "kim", event_datetime: "2026-11-22T00:16:43.306000Z", parameters: null },
  ...more,
});
const at = (second: number, micros = 0) => `2026-11-22T00:00:${String(second).padStart(2, "0")}.${String(micros).padStart(6, "0")}Z`;
const bought = (price: number | string, order_id = "o-1") => ({ order_id, currency: "krw", price });
const idsOf = (events: readonly { readonly event_id: string }[]) => events.map(({ event_id }) => event_id);

/** What must come back as it went in. The writer makes arrays of PostgreSQL of them, in which some of these mean something. */
const WORDS = [
  ...['"', "'", "\\", "\\\\", '\\"', '"\\', "a\\nb", "a\nb", "a\tb", "a\r\nb", ",", '","', "{", "}", "{}", '{"a","b"}', "[1,2]", "{{a}}"],
  ...["NULL", "null", '"NULL"', "", " ", " a ", "--", "$1", "';DROP TABLE events;--", "\\N", "\\x41", "\\u0041", "\u2028", "é", "e\u0301"],
  ...[
    "🙂",
    "👩‍👩‍👧‍👦",
    "김철수",
    "Иванов",
    "\u200b",
    "\ufeff",
    "\u{10ffff}",
    "true",
    "1e5",
    "-0",
    "%",
    "_",
    "x".repeat(255),
    "🙂".repeat(127),
  ],
];

/** What collected events are, wherever they are kept. */
export function describeEvents(name: string, open: () => Promise<EventsUnderTest>): void {
  describe(name, () => {
    let under: EventsUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    const written = async (...events: readonly CollectedEvent[]) => {
      await under.collect(events);
      await under.writes();
    };
    const search = (more: Partial<Parameters<Events["search"]>[0]> = {}) => under.events.search({ user_id: "kim", limit: 100, ...more });

    it("gives a user's events, newest first to the microsecond, those of one moment by their id, and nobody else's", async () => {
      const [late, later] = [at(7, 1), at(7, 2)];
      const same = ["b", "a", "C", "10", "9"].map((id) => anEvent(id, { event_datetime: at(3) }));
      await written(anEvent("late", { event_datetime: late }), ...same, anEvent("later", { event_datetime: later }));
      await written(anEvent("other", { user_id: "lee" }), anEvent("first", { event_datetime: at(1) }));
      expect(idsOf(await search())).toEqual(["later", "late", "10", "9", "C", "a", "b", "first"]);
      expect(await search({ limit: 1 })).toEqual([{ event_id: "later", event: "login", event_datetime: later, parameters: null }]);
      expect(await search({ user_id: "nobody" })).toEqual([]);
    });

    it.each([1, 2, 3, 7])(
      "gives pages of %s without a gap and without one twice, also where many happened at one moment",
      async (limit) => {
        const events = Array.from({ length: 20 }, (_, n) => anEvent(`e-${n}`, { event_datetime: at(n % 3, n % 2) }));
        await written(...events);
        const pages: StoredEvent[] = [];
        for (let page = await search({ limit }); page.length > 0; ) {
          pages.push(...page);
          const after = page.at(-1);
          page = after ? await search({ limit, after }) : [];
        }
        expect(idsOf(pages)).toEqual(idsOf(await search()));
        expect(new Set(idsOf(pages)).size).toBe(20);
      },
    );

    it("goes on after an event that is gone, or that never was", async () => {
      await written(
        anEvent("a", { event_datetime: at(1) }),
        anEvent("c", { event_datetime: at(1) }),
        anEvent("d", { event_datetime: at(0) }),
      );
      expect(idsOf(await search({ after: { event_datetime: at(1), event_id: "b" } }))).toEqual(["c", "d"]);
      expect(idsOf(await search({ after: { event_datetime: at(0, 5), event_id: "zzz" } }))).toEqual(["d"]);
    });

    it("gives those of one kind, and those from a moment on, together with a page", async () => {
      const kinds = ["login", "purchase", "logout", "purchase", "login"];
      await written(...kinds.map((event, n) => anEvent(`e-${n}`, { event, event_datetime: at(n) })));
      expect(idsOf(await search({ event: "purchase" }))).toEqual(["e-3", "e-1"]);
      expect(idsOf(await search({ since: at(3) }))).toEqual(["e-4", "e-3"]);
      expect(idsOf(await search({ since: "2026-11-22T09:00:03+09:00" }))).toEqual(["e-4", "e-3"]);
      const all = { event: "purchase", since: at(1), after: { event_datetime: at(3), event_id: "e-3" } };
      expect(idsOf(await search(all))).toEqual(["e-1"]);
    });

    it("tells what became of an event", async () => {
      await under.refuses("bad", "not that one");
      await under.collect([anEvent("good"), anEvent("bad")]);
      expect(await under.events.receipt("good")).toEqual({ event_id: "good", status: "queued" });
      await under.writes();
      const moment = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(await under.events.receipt("good")).toEqual({ event_id: "good", status: "stored", stored_at: moment });
      const failed = { event_id: "bad", status: "failed", failed_at: moment, reason: "not that one" };
      expect(await under.events.receipt("bad")).toEqual(failed);
      expect(await under.events.receipt("none")).toBeNull();
    });

    it("stores an event once, as it came first, whether it is repeated in a batch or later", async () => {
      await written(anEvent("a", { event: "first" }), anEvent("b"), anEvent("a", { event: "second" }));
      await written(anEvent("b", { event: "again", user_id: "lee" }), anEvent("c"));
      expect((await search()).map(({ event_id, event }) => [event_id, event])).toEqual([
        ["a", "first"],
        ["b", "login"],
        ["c", "login"],
      ]);
      expect(await search({ user_id: "lee" })).toEqual([]);
      expect(under.written).toEqual({ stored: 3, duplicates: 2, failed: 0 });
    });

    it("stores an order as often as it happens: it may be bought, and paid, and given back", async () => {
      const kinds = ["purchase", "purchase_success", "refund"];
      await written(...kinds.map((event, n) => anEvent(`e-${n}`, { event, parameters: bought(9_900, "o-7"), event_datetime: at(n) })));
      expect((await search()).map(({ event, parameters }) => [event, parameters?.order_id])).toEqual([
        ["refund", "o-7"],
        ["purchase_success", "o-7"],
        ["purchase", "o-7"],
      ]);
    });

    it.each([
      [1200, 1200],
      [29.33, 29.33],
      ["29.33005", 29.3301],
      [1.00004, 1],
      [1.00005, 1.0001],
      ["1.00015", 1.0002],
      [2.00025, 2.0003],
      [-1.00005, -1.0001],
      ["-0.00005", -0.0001],
      ["+5", 5],
      [0.00004, 0],
      [1e-7, 0],
      ["0.99995", 1],
      [99_999_999_999, 99_999_999_999],
      ["00000000000012.5", 12.5],
    ])("keeps a price of %s with four digits after the point, as %s", async (price, kept) => {
      await written(anEvent("e", { parameters: bought(price) }));
      expect((await search())[0]?.parameters).toEqual(bought(kept));
    });

    it("a price that would need 15 digits once it is rounded fails alone", async () => {
      await written(anEvent("a", { parameters: bought("99999999999999.99995") }), anEvent("b", { parameters: bought("9999999999999.5") }));
      expect(idsOf(await search())).toEqual(["b"]);
      expect((await under.events.failed({ limit: 9 })).events).toMatchObject([{ event_id: "a", attempts: 1 }]);
    });

    it.each(WORDS.map((words) => [JSON.stringify(words).slice(0, 30), words] as const))(
      "keeps %s as it is, wherever it stands",
      async (_, words) => {
        const odd = anEvent(words, { event: words, user_id: words, parameters: { order_id: words, currency: words, price: 1.5 } });
        await written(anEvent("before"), odd, anEvent("after"));
        const { user_id, ...kept } = odd;
        expect(await search({ user_id })).toEqual([kept]);
        expect(await search({ user_id, event: words })).toEqual([kept]);
        expect(await under.events.receipt(words)).toMatchObject({ event_id: words, status: "stored" });
        expect(idsOf(await search())).toEqual(["after", "before"]);
      },
    );

    it("keeps all of them in one batch, each in its place", async () => {
      await written(...WORDS.map((words, n) => anEvent(words, { event: WORDS.at(-n) ?? "", event_datetime: at(n) })));
      expect((await search()).toReversed().map(({ event_id, event }) => [event_id, event])).toEqual(
        WORDS.map((words, n) => [words, WORDS.at(-n)]),
      );
    });
  });
}
