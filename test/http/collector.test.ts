import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import type { HttpDeps } from "../../http/deps.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** A collector whose clients hold a key that only sends. */
function desk(overrides: Partial<HttpDeps> = {}) {
  const made = createDesk(overrides);
  const server = createServer(made.deps);
  const collect = (payload: unknown, headers: Record<string, string> = {}, url = "/api/collect") =>
    server.inject({
      method: "POST",
      url,
      headers: { ...bearer("ivy"), ...JSON_TYPE, ...headers },
      payload: typeof payload === "string" ? payload : JSON.stringify(payload),
    });
  return { ...made, server, collect, queued: made.memory.queued };
}

const event = (event_id: unknown, more: object = {}) => ({ event_id, event: "purchase", user_id: "u1", ...more });
const down = { collect: () => Promise.reject(new OpsError("unavailable", "down", { retry_after_ms: 1_000 })) };

describe("one event", () => {
  it.each(["/api/collect", "/api/event"])("%s: is accepted with a word, once it is queued", async (url) => {
    const { collect, queued } = desk();
    const got = await collect(event("a"), {}, url);
    expect([got.statusCode, got.body]).toEqual([200, '{"is_success":"true"}']);
    expect(got.headers["content-type"]).toMatch(/^application\/json/);
    expect(queued).toMatchObject([{ event_id: "a", event: "purchase", user_id: "u1", parameters: null }]);
  });

  it("may have numbers for ids, and they become words", async () => {
    const { collect, queued } = desk();
    await collect({ ...event(5), user_id: 0, parameters: { order_id: 9_007_199_254_740_991, currency: "krw", price: "3.5" } });
    expect(queued).toMatchObject([{ event_id: "5", user_id: "0", parameters: { order_id: "9007199254740991", price: "3.5" } }]);
  });

  it.each([
    ["null for what may be left out", event("a", { event_datetime: null, parameters: null })],
    ["fields that are no concern of ours", event("a", { extra: { deep: [[[]]] }, constructor: "x", is_success: "false" })],
    ["tabs and line breaks in words", event("a\tb\n", { event: "buy\r\n" })],
    ["a key given twice", '{"event_id":{},"event_id":"a","event":"purchase","user_id":"u1"}'],
    ["a byte order mark", `\ufeff${JSON.stringify(event("a"))}`],
    ["as many emoji as a word may hold", event("😀".repeat(127))],
  ])("may hold %s", async (_, body) => {
    const { collect, queued } = desk();
    expect((await collect(body)).json()).toEqual({ is_success: "true" });
    expect(queued).toHaveLength(1);
  });

  it("is UTF-8, whatever charset its type names", async () => {
    const { collect, queued } = desk();
    await collect(event("한"), { "content-type": "application/json; charset=latin1" });
    expect(queued[0]?.event_id).toBe("한");
  });

  it.each([
    ["a moment ago", "2026-11-22T00:16:43.306Z", "2026-11-22T00:16:43.306000Z"],
    ["with a zone and microseconds", "2026-11-22T09:16:43.306123+09:00", "2026-11-22T00:16:43.306123Z"],
    ["without a zone, which is UTC", "2026-11-22T00:16:43.3", "2026-11-22T00:16:43.300000Z"],
    ["long ago", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"],
  ])("keeps its own time: %s", async (_, event_datetime, kept) => {
    const { collect, queued } = desk();
    await collect(event("a", { event_datetime }));
    expect(queued[0]?.event_datetime).toBe(kept);
  });

  it.each([
    ["far ahead", "9999-12-31T23:59:59Z", null],
    ["before retention", "2020-01-01T00:00:00Z", 30],
    ["in the year 0", "0000-12-31T23:59:59Z", null],
    ["not at all", undefined, null],
  ])("gets the time of its receipt where its own is %s", async (_, event_datetime, retention_days) => {
    const { deps, memory } = createDesk();
    const { collect } = desk({ events: { ...deps.events, collect: memory.collect, retention_days } });
    const before = Date.now();
    await collect(event("a", { event_datetime }));
    const got = memory.queued[0]?.event_datetime ?? "";
    expect(got).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000Z$/);
    expect(Date.parse(got)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(got)).toBeLessThanOrEqual(Date.now());
  });
});

describe("a list", () => {
  it("of a thousand is accepted, in its order", async () => {
    const { collect, queued } = desk();
    const got = await collect(Array.from({ length: 1_000 }, (_, at) => event(at)));
    expect(got.json().results).toHaveLength(1_000);
    expect(queued.map(({ event_id }) => event_id)).toEqual(Array.from({ length: 1_000 }, (_, at) => String(at)));
  });

  it("says of each item what is wrong with it, and accepts the others", async () => {
    const { collect, queued } = desk();
    const got = await collect([event("a"), event("b", { event: 5 }), null, event("c"), { event_id: 1e300 }]);
    expect([got.statusCode, got.json()]).toEqual([
      200,
      {
        is_success: "true",
        results: [
          { event_id: "a", is_success: "true" },
          { event_id: "b", is_success: "false", error: expect.stringContaining("field=event") },
          { event_id: null, is_success: "false", error: "en:events.not_an_event" },
          { event_id: "c", is_success: "true" },
          { event_id: "1e+300", is_success: "false", error: expect.stringContaining("field=event_id") },
        ],
      },
    ]);
    expect(queued.map(({ event_id }) => event_id)).toEqual(["a", "c"]);
  });

  it("may hold one event twice: both are accepted, and the table keeps one", async () => {
    const { collect, queued } = desk();
    expect((await collect([event("a"), event("a"), event("b")])).json().results).toHaveLength(3);
    expect(queued).toHaveLength(3);
  });
});

describe('is_success "false"', () => {
  it.each([
    ["without event_id", { event: "purchase", user_id: "u1" }, ["event_id"]],
    ["with empty parameters", event("a", { parameters: {} }), ["parameters.order_id", "parameters.currency", "parameters.price"]],
    ["with a number for its name", event("a", { event: 5 }), ["event"]],
    ["with a NUL", event("a", { user_id: "u\0" }), ["user_id"]],
    [
      "with a price that only overflows once rounded",
      event("a", { parameters: { order_id: 1, currency: "krw", price: "99999999999999.99995" } }),
      ["parameters.price"],
    ],
  ])("is said of an event %s, with the fields that are wrong", async (_, body, fields) => {
    const { collect, queued } = desk();
    const got = await collect(body);
    expect([got.statusCode, got.json().is_success]).toEqual([422, "false"]);
    expect(got.json().errors.map(({ path }: { path: string }) => path)).toEqual(fields);
    expect(queued).toEqual([]);
  });

  it.each([
    ["one", event("a")],
    ["a list", [event("a")]],
  ])("is said of %s when the queue is down or full, and when to come again", async (_, body) => {
    const { deps } = createDesk();
    const got = await desk({ events: { ...deps.events, ...down } }).collect(body);
    expect([got.statusCode, got.headers["retry-after"], got.json().is_success]).toEqual([503, "1", "false"]);
  });

  it("is said of what is no fault of the client, too", async () => {
    const { deps } = createDesk();
    const { collect, log } = desk({ events: { ...deps.events, collect: () => Promise.reject(new Error("a mistake")) } });
    const got = await collect(event("a"));
    expect([got.statusCode, got.json().is_success]).toEqual([500, "false"]);
    expect(got.body).not.toContain("a mistake");
    expect(log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
  });
});

describe("an Idempotency-Key", () => {
  const keyed = (key: string) => ({ "idempotency-key": key });

  it.each([
    ["one", event("a")],
    ["a list", [event("a"), event("b", { event: 5 })]],
  ])("%s: the same answer, and nothing is queued again", async (_, body) => {
    const { collect, queued } = desk();
    const first = await collect(body, keyed("k"));
    const again = await collect(body, keyed("k"));
    expect([again.statusCode, again.body, again.headers["idempotent-replayed"]]).toEqual([200, first.body, "true"]);
    expect(queued).toHaveLength(1);
  });

  it("with another body is 422, in the collector's own words", async () => {
    const { collect, queued } = desk();
    await collect(event("a"), keyed("k"));
    const got = await collect(event("b"), keyed("k"));
    expect(got.json()).toMatchObject({ status: 422, code: "idempotency_mismatch", is_success: "false" });
    expect(queued).toHaveLength(1);
  });

  it("is of one key owner and one route", async () => {
    const { collect, queued } = desk();
    await collect(event("a"), keyed("k"));
    await collect(event("b"), { ...keyed("k"), ...bearer("olga") });
    await collect(event("c"), keyed("k"), "/api/event");
    expect(queued.map(({ event_id }) => event_id)).toEqual(["a", "b", "c"]);
  });

  it("does not keep a refusal that passes: the same request may succeed later", async () => {
    const { deps, memory } = createDesk();
    const events = { ...deps.events, ...down };
    const { collect } = desk({ events });
    expect((await collect(event("a"), keyed("k"))).statusCode).toBe(503);
    events.collect = memory.collect as never;
    expect((await collect(event("a"), keyed("k"))).statusCode).toBe(200);
    expect(memory.queued).toHaveLength(1);
  });
});
