/** Chance that comes again: from one seed always the same. */
export interface Chance {
  /** From 0 up to, and without, 1. */
  next(): number;
  below(limit: number): number;
  pick<T>(list: readonly T[]): T;
}

/** Makes chance of a seed (mulberry32, by Tommy Ettinger, public domain). */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = <T>(list: readonly T[]): T => {
    const [first] = list;
    if (first === undefined) throw new Error("there is nothing to pick from");
    return list[below(list.length)] ?? first;
  };
  return { next, below, pick };
}

/** An event as JSON text by field, so that it can hold what no value of JavaScript's is: `1e400`, a key given twice. */
export type EventText = Readonly<Record<string, string>>;

/** An event, and which of its fields are wrong. */
export interface SpoiltEvent {
  readonly text: string;
  readonly fields: readonly string[];
}

/** So deep no stack of a parser that calls itself goes. */
const DEEP = 10_000;
/** The longest word is 255 characters. */
const TOO_LONG = JSON.stringify("a".repeat(256));
const NOT_TEXT = ["true", "false", "[]", "{}", '{"$ne":null}', '["a"]', "[[[]]]", nested(DEEP)];
const NOT_A_WORD = [...NOT_TEXT, '""', TOO_LONG, '"a\\u0000b"', '"\\u0007"', '"\\u0085"', '"\\ud800"', '"x\\udc00y"', '"\\u001b[31m"'];
const NOT_AN_ID = [...NOT_A_WORD, "null", "1.5", "9007199254740993", "-9007199254740992", "1e400", "-1e400", "1e21", "0.1"];
const NOT_A_NAME = [...NOT_A_WORD, "null", "5", "0", "1e400"];
const NOT_A_PRICE = [
  ...NOT_TEXT,
  ...["null", '""', "1e400", "-1e400", "1e14", "-1e14", "100000000000000", '"100000000000000"', '"99999999999999.99999"'],
  ...['"free"', '"NaN"', '"Infinity"', '"1,5"', '" 5"', '"5 "', '"0x10"', '"1e3"', '"."', '"5."', '"--5"', '"٣"'],
];
const NOT_A_TIME = [
  ...NOT_TEXT,
  ...["5", "1e400", '""', '"yesterday"', '"2026-02-30T00:00:00Z"', '"2025-02-29T00:00:00Z"', '"2026-13-01T00:00:00Z"'],
  ...['"2026-11-22"', '"2026-11-22T25:00:00Z"', '"2026-11-22T00:60:00Z"', '"2026-11-22T00:00:00+25:00"', '"22/11/2026"', '"NaN"'],
  ...['"2026-11-22T00:16:43.306Z "', '"+012026-11-22T00:00:00Z"', '"1795306603306"', '"2026-W47-7"', '"2026-11-22T00:00:00Z\\u0000"'],
];
const NOT_PARAMETERS = ["true", "5", '""', '"{}"', "[]", "[[]]", '[{"order_id":"1","currency":"krw","price":1}]'];

/** What each field must not be. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  event_id: NOT_AN_ID,
  user_id: NOT_AN_ID,
  event: NOT_A_NAME,
  event_datetime: NOT_A_TIME,
  "parameters.order_id": NOT_AN_ID,
  "parameters.currency": NOT_A_NAME,
  "parameters.price": NOT_A_PRICE,
};
const PARAMETERS = ["parameters.order_id", "parameters.currency", "parameters.price"];
/** What may be left out. */
const OPTIONAL = ["event_datetime"];

/** A good event. */
export function goodEvent(event_id: string): EventText {
  const fields = { event_id, event: "purchase", user_id: "malformed", event_datetime: "2026-11-22T00:16:43.306Z" };
  const order = { "parameters.order_id": `o-${event_id}`, "parameters.currency": "krw", "parameters.price": "29.33" };
  return Object.fromEntries(Object.entries({ ...fields, ...order }).map(([name, value]) => [name, JSON.stringify(value)]));
}

/** An event of which one to three fields are wrong or missing. */
export function spoiltEvent(chance: Chance, event_id: string): SpoiltEvent {
  if (chance.below(8) === 0) return withoutParameters(chance, event_id);
  const spoilt = new Map(Object.entries(goodEvent(event_id)));
  const fields = new Set<string>();
  for (let left = 1 + chance.below(3); left > 0; left--) {
    const field = chance.pick(Object.keys(WRONG));
    fields.add(field);
    if (!OPTIONAL.includes(field) && chance.below(6) === 0) spoilt.delete(field);
    else spoilt.set(field, chance.pick(WRONG[field] ?? []));
  }
  return { text: toJson(chance, spoilt), fields: [...fields] };
}

function withoutParameters(chance: Chance, event_id: string): SpoiltEvent {
  const own = Object.entries(goodEvent(event_id)).filter(([name]) => !name.includes("."));
  const empty = chance.below(3) === 0;
  const spoilt = new Map([...own, ["parameters", empty ? "{}" : chance.pick(NOT_PARAMETERS)]]);
  return { text: toJson(chance, spoilt), fields: empty ? PARAMETERS : ["parameters"] };
}

/** The event as JSON: its fields in any order, white space where there may be some, beside fields that are no concern of ours. */
export function toJson(chance: Chance, fields: Iterable<readonly [string, string]>): string {
  const all = [...fields];
  const inner = all.filter(([name]) => name.includes(".")).map(([name, value]) => [name.split(".")[1] ?? "", value] as const);
  const outer = all.filter(([name]) => !name.includes("."));
  const parameters = inner.length > 0 ? [["parameters", toObject(chance, inner)] as const] : [];
  const strange = chance.below(4) === 0 ? [chance.pick(STRANGE)] : [];
  return toObject(chance, [...outer, ...parameters, ...strange]);
}

/** What an event may hold besides, and what does not make it another. */
const STRANGE: readonly (readonly [string, string])[] = [
  ["extra", nested(DEEP)],
  ["", '""'],
  ["constructor", '"a word"'],
  ["toString", "1e400"],
  ["hasOwnProperty", "null"],
  ["is_success", '"true"'],
  ["$where", '"sleep(1000)"'],
  ["event_id ", "5"],
  ["EVENT_ID", "{}"],
  ["note", JSON.stringify("😀".repeat(5_000))],
];

function toObject(chance: Chance, fields: readonly (readonly [string, string])[]): string {
  const shuffled = fields.map((field) => [chance.next(), field] as const).toSorted(([a], [b]) => a - b);
  const space = chance.pick(["", "", " ", "\n\t"]);
  return `{${space}${shuffled.map(([, [name, value]]) => `${JSON.stringify(name)}:${space}${value}`).join(`,${space}`)}}`;
}

/** So many arrays or objects in each other. */
export function nested(depth: number, [open, inner, close] = ["[", "", "]"]): string {
  return open.repeat(depth) + inner + close.repeat(depth);
}
