import { describe, expect, it } from "vitest";
import { parseEvent, type ReceivedAt } from "../../../core/events/event.ts";

const NOW = "2026-11-27T09:00:00.123Z";
const DAY_MS = 86_400_000;
const now_ms = Date.parse(NOW);
const AT: ReceivedAt = { now_ms, oldest_ms: null };
const RECEIVED = "2026-11-27T09:00:00.123000Z";

const given = (more: object = {}) => ({ event_id: "e-1", event: "purchase", user_id: "tester1", ...more });
const parse = (more: object, at = AT) => parseEvent(given(more), at).event;
const pathsOf = (event: unknown) => parseEvent(event, AT).issues?.map(({ path }) => path);

describe("an event's time", () => {
  const timeOf = (event_datetime: unknown, at = AT) => parse({ event_datetime }, at)?.event_datetime;

  it("is when it was received, where the client gives none", () => {
    for (const none of [undefined, null]) expect(timeOf(none)).toBe(RECEIVED);
    expect(parse({})?.event_datetime).toBe(RECEIVED);
  });

  it.each([
    ["2026-11-22T00:16:43Z", "2026-11-22T00:16:43.000000Z"],
    ["2026-11-22T00:16:43.3Z", "2026-11-22T00:16:43.300000Z"],
    ["2026-11-22T00:16:43.306Z", "2026-11-22T00:16:43.306000Z"],
    ["2026-11-22T00:16:43.306512Z", "2026-11-22T00:16:43.306512Z"],
    ["2026-11-22T00:16:43.306512999Z", "2026-11-22T00:16:43.306512Z"],
    ["2026-11-22T09:16:43.306512+09:00", "2026-11-22T00:16:43.306512Z"],
    ["2026-11-21T19:16:43-05:00", "2026-11-22T00:16:43.000000Z"],
    ["2026-11-22T00:16:43.306512", "2026-11-22T00:16:43.306512Z"],
    ["2026-11-22T00:16", "2026-11-22T00:16:00.000000Z"],
    ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"],
  ])("%s is %s, to the microsecond", (typed, kept) => {
    expect(timeOf(typed)).toBe(kept);
  });

  it("is believed up to five minutes ahead, and not a millisecond more", () => {
    expect(timeOf("2026-11-27T09:05:00.123Z")).toBe("2026-11-27T09:05:00.123000Z");
    for (const late of ["2026-11-27T09:05:00.124Z", "2026-11-27T18:05:01+09:00", "9999-12-31T23:59:59Z"])
      expect(timeOf(late)).toBe(RECEIVED);
  });

  it("is believed back to where events are kept, and no further", () => {
    const at = { now_ms, oldest_ms: now_ms - 30 * DAY_MS };
    expect(timeOf("2026-10-28T09:00:00.123Z", at)).toBe("2026-10-28T09:00:00.123000Z");
    expect(timeOf("2026-10-28T09:00:00.122Z", at)).toBe(RECEIVED);
    expect(timeOf("1970-01-01T00:00:00Z", at)).toBe(RECEIVED);
    expect(timeOf("1970-01-01T00:00:00Z")).toBe("1970-01-01T00:00:00.000000Z");
    expect(timeOf("0000-12-31T00:00:00Z")).toBe(RECEIVED);
  });

  it.each([
    ...["2026-02-30T00:00:00Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z", "2026-11-31T00:00:00Z"],
    ...["2026-11-22T24:00:00Z", "2026-11-22T23:59:60Z", "2026-11-22T23:60:00Z", "2026-11-22T00:00:00+24:00"],
    ...["2026-11-22", "22.11.2026", "yesterday", "", " ", "2026-11-22 00:16:43", "1763770603", "+002026-11-22T00:00:00Z"],
  ])("%s is none, and named", (event_datetime) => {
    expect(pathsOf(given({ event_datetime }))).toEqual(["event_datetime"]);
  });

  it.each([1_763_770_603, true, {}, []])("%j is none either", (event_datetime) => {
    expect(pathsOf(given({ event_datetime }))).toEqual(["event_datetime"]);
  });
});

describe("an event's ids", () => {
  it("may be numbers, which become words", () => {
    const parameters = { order_id: 7, currency: "krw", price: 1 };
    expect(parse({ event_id: 5, user_id: -12, parameters })).toMatchObject({
      event_id: "5",
      user_id: "-12",
      parameters: { order_id: "7" },
    });
    expect(parse({ event_id: 9_007_199_254_740_991 })?.event_id).toBe("9007199254740991");
  });

  it.each([1.5, 9_007_199_254_740_992, 1e21, Number.NaN, Number.POSITIVE_INFINITY, true, null, undefined, {}, ["a"], ""])(
    "%s is none, for it would be another one",
    (event_id) => {
      expect(pathsOf(given({ event_id }))).toEqual(["event_id"]);
    },
  );

  it("have up to 255 characters", () => {
    expect(parse({ user_id: "x".repeat(255) })?.user_id).toHaveLength(255);
    for (const name of ["event_id", "event", "user_id"]) expect(pathsOf(given({ [name]: "x".repeat(256) }))).toEqual([name]);
  });

  it.each(["\0", "a\u0007", "\u001b[31m", "\u007f", "\u0085", "\ud83d", "\ude42x", "🙂\ud83d"])("hold no %j", (words) => {
    const parameters = { order_id: words, currency: words, price: 1 };
    const paths = ["event_id", "event", "user_id", "parameters.order_id", "parameters.currency"];
    expect(pathsOf({ event_id: words, event: words, user_id: words, parameters })).toEqual(paths);
  });

  it.each(["🙂", "김철수", 'a"b\\c', "a\tb", "a\nb", "{NULL}", "null", " "])("may be %j", (words) => {
    expect(parse({ event_id: words, event: words, user_id: words })).toMatchObject({ event_id: words, event: words, user_id: words });
  });
});

describe("what was bought", () => {
  const priced = (price: unknown) => parse({ parameters: { order_id: "o", currency: "krw", price } })?.parameters?.price;
  const refused = (price: unknown) => pathsOf(given({ parameters: { order_id: "o", currency: "krw", price } }));

  it("may be left out", () => {
    for (const more of [{}, { parameters: null }, { parameters: undefined }]) expect(parse(more)?.parameters).toBeNull();
  });

  it.each([0, -5, 29.33, 1e-7, 99_999_999_999_999.98, "29.33", "-5", "+5", "007", "99999999999999.99994", `1.${"9".repeat(40)}`])(
    "has a price of %s, as it was given",
    (price) => {
      expect(priced(price)).toBe(price);
    },
  );

  it.each([
    ...[1e14, -1e14, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true, {}, [1]],
    ...[
      "",
      " ",
      "1e5",
      "1,5",
      "1.",
      ".5",
      "--5",
      "0x10",
      "NaN",
      "Infinity",
      "١",
      "100000000000000",
      "99999999999999.99995",
      `1.${"9".repeat(41)}`,
    ],
    "1;DROP",
  ])("has no price of %s", (price) => {
    expect(refused(price)).toEqual(["parameters.price"]);
  });

  it("is all of it or nothing", () => {
    const paths = ["parameters.order_id", "parameters.currency", "parameters.price"];
    expect(pathsOf(given({ parameters: {} }))).toEqual(paths);
    for (const parameters of ["o", 5, [], true]) expect(pathsOf(given({ parameters }))?.[0]).toMatch(/^parameters/);
  });
});

describe("what is no event", () => {
  it.each([null, undefined, 5, "e", [], [given()], true])("%j", (event) => {
    expect(pathsOf(event)).toEqual([""]);
  });

  it("names all that is wrong at once", () => {
    expect(pathsOf({})).toEqual(["event_id", "event", "user_id"]);
  });

  it("leaves out what it does not know: other clients send more", () => {
    const event = parse({ extra: 1, constructor: { a: 1 }, parameters: { order_id: "o", currency: "c", price: 1, tax: 2 } });
    expect(Object.keys(event ?? {})).toEqual(["event_id", "event", "user_id", "event_datetime", "parameters"]);
    expect(event?.parameters).toEqual({ order_id: "o", currency: "c", price: 1 });
  });
});
