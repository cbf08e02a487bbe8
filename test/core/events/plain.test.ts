import { expect, it } from "vitest";
import { EventInput, parseEvent } from "../../../core/events/event.ts";
import { timeOf } from "../../../core/events/time.ts";

const AT = { now_ms: Date.parse("2026-11-27T10:00:00Z"), oldest_ms: null };

/** Values that are good, nearly good, and bad, for every field. */
const WORDS = [
  "a",
  "~ !",
  "x".repeat(255),
  "x".repeat(256),
  "",
  "é",
  "a\nb",
  "a\u0080b",
  "\ud800",
  "😀",
  5,
  1.5,
  2 ** 53,
  Number.NaN,
  true,
  null,
  undefined,
  {},
  ["a"],
];
const PRICES = [
  0,
  -0,
  29.33,
  -5,
  1e-9,
  99_999_999_999_999.98,
  1e14,
  -1e14,
  Number.POSITIVE_INFINITY,
  Number.NaN,
  "29.33",
  "x",
  "",
  null,
  undefined,
  [1],
];
const TIMES = [
  ...["2026-11-27T10:00:00Z", "2026-11-27T10:00:00.123456789Z", "2026-11-27T10:00:00.1Z", "2026-02-28T23:59:59Z", "2026-02-30T00:00:00Z"],
  ...["2024-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-27T24:00:00Z", "2026-11-27T10:60:00Z"],
  ...[
    "2026-11-27T10:00:00",
    "2026-11-27T10:00:00+09:00",
    "2026-11-27 10:00:00Z",
    "2026-11-27",
    "2026-11-27T10:00Z",
    "0000-01-01T00:00:00Z",
  ],
  ...["2027-11-27T10:00:00Z", "1997-01-01T00:00:00Z", "now", "", 5, null, undefined],
];
const BASE = { event_id: "e", event: "login", user_id: "u" };
const BOUGHT = { order_id: "o", currency: "krw", price: 1 };

const GIVEN: readonly object[] = [
  ...["event_id", "event", "user_id"].flatMap((name) => WORDS.map((word) => ({ ...BASE, [name]: word }))),
  ...TIMES.map((event_datetime) => ({ ...BASE, event_datetime })),
  ...["order_id", "currency"].flatMap((name) => WORDS.map((word) => ({ ...BASE, parameters: { ...BOUGHT, [name]: word } }))),
  ...PRICES.map((price) => ({ ...BASE, parameters: { ...BOUGHT, price } })),
  ...[{}, [], "x", 5, null, undefined].map((parameters) => ({ ...BASE, parameters })),
  { ...BASE, more: { deep: [1] } },
];

it("what is read without the schema is what the schema reads", () => {
  for (const given of GIVEN) {
    const { event } = parseEvent(given, AT);
    const { success, data } = EventInput.safeParse(given);
    expect([given, event !== undefined]).toEqual([given, success]);
    if (!data) continue;
    const { event_datetime, parameters, ...words } = data;
    expect(event).toEqual({ ...words, event_datetime: timeOf(event_datetime, AT), parameters: parameters ?? null });
  }
});
