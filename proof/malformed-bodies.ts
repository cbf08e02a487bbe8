import { deflateSync, gzipSync } from "node:zlib";
import { type Chance, createChance, goodEvent, nested, spoiltEvent, toJson } from "./malformed-events.ts";

/** A body that is no good, and what must be answered to it. */
export interface Malformed {
  /** What is wrong with it. */
  readonly kind: string;
  readonly path: "/api/collect" | "/api/event";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly status: 200 | 400 | 413 | 415 | 422;
  /** Of a 422: the fields that are named, 20 at most. Of a 200: of each item, its own; none where it is good. */
  readonly fields: readonly (readonly string[])[];
  /** The ids of the events in it that are good, and accepted. */
  readonly good: readonly string[];
}

type Draft = Partial<Omit<Malformed, "body">> & Pick<Malformed, "status"> & { readonly body: Buffer | string };
/** Makes a body of its kind. @param id a word that no other body has */
type Kind = (chance: Chance, id: string) => Draft;

const MIB = 1_048_576;
const MANY = 1_000;
/** As many findings as an answer holds. */
const TOLD = 20;

const plain = (event_id: string) => JSON.stringify({ event_id, event: "purchase", user_id: "malformed" });
const good = (chance: Chance, id: string) => toJson(chance, Object.entries(goodEvent(id)));
const listOf = (items: readonly string[]) => `[${items.join(",")}]`;
const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

/** Between two parts of a good event: where any byte may be put that must not be there. */
function within(text: string, part: Buffer): Buffer {
  const [before, after] = text.split("purchase");
  return Buffer.concat([Buffer.from(`${before}pur`), part, Buffer.from(`chase${after}`)]);
}

/** A good event with one more field. */
const withField = (text: string, field: string) => `{${field},${text.slice(1)}`;

const PROTOTYPES = [
  '"__proto__":{"role":"admin"}',
  '"__proto__":null',
  '"\\u005f_proto__":{}',
  '"__proto\\u005f_":[]',
  '"constructor":{"prototype":{"is_admin":true}}',
  '"\\u0063onstructor":{"prototype":{}}',
];
const NO_UTF8 = ["ff", "c0af", "80", "eda080", "f4908080", "c3", "e282", "f0288cbc", "fffe"].map((hex) => Buffer.from(hex, "hex"));
const NO_JSON = [
  ...['{"event_id":"a",}', "{'event_id':'a'}", '{"event_id":NaN}', '{"event_id":undefined}', '{"event_id":01}', '{"event_id":+1}'],
  ...['{"event_id":.5}', '{"event_id":0x1}', '{"event_id":"a"}}', '{"event_id":"a"} {}', '{"event_id":"a\nb"}', '{"event_id":"\\x41"}'],
  ...['{"event_id":"\\u12"}', '{"event_id" "a"}', '{event_id:"a"}', '{"event_id":Infinity}', "[1,]", "[,]", "{/* */}", "event_id=a"],
  ...["<event/>", "nul", "tru", "\u0000", '"', "-", "{", "[", "]", nested(10_000, ["[", "", ""]), nested(10_000, ['{"a":', "1", ""])],
];
const NO_EVENT = ["null", "true", "0", "1e400", '"event"', "[]", '""'];
const NO_ITEM = ["null", "true", "5", '"event"', "[]", "[[]]", nested(10_000)];
const OTHER_TYPES = [
  ...["text/plain", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", "application/jsonx", "text/json"],
  ...["application/xml", "multipart/form-data; boundary=x", "application/octet-stream", "application/json-patch+json", "json"],
];

const KINDS: Readonly<Record<string, Kind>> = {
  "wrong fields": (chance, id) => ofFields(spoiltEvent(chance, id)),
  "wrong fields again": (chance, id) => ofFields(spoiltEvent(chance, id)),
  "wrong fields, in a list of one": (chance, id) => ofItems([spoiltEvent(chance, id)]),
  "no event": (chance) => ({ status: 422, body: chance.pick(NO_EVENT), fields: [[""]] }),
  nothing: () => ({ status: 422, body: "", fields: [[""]] }),
  "objects in each other": (chance) => ({
    ...ofFields({ text: nested(chance.pick([100, 10_000]), ['{"a":', "1", "}"]), fields: ["event_id", "event", "user_id"] }),
  }),
  "the last of two keys is wrong": (chance, id) => {
    const field = chance.pick(["event_id", "user_id", "event"]);
    return { status: 422, body: `${good(chance, id).slice(0, -1)},"${field}":${chance.pick(["null", "{}", '""'])}}`, fields: [[field]] };
  },
  "a word as long as the body": (chance, id) => {
    const text = good(chance, id).slice(0, -1);
    const field = chance.pick(["event_id", "user_id", "event"]);
    const long = "x".repeat(chance.pick([300, 10_000, 500_000, MIB - Buffer.byteLength(text) - 20]));
    return { status: 422, body: `${text},"${field}":"${long}"}`, fields: [[field]] };
  },
  "exactly 1 MiB": () => {
    const [open, close] = ['{"event":"purchase","user_id":"u","event_id":"', '"}'];
    return { status: 422, body: open + "x".repeat(MIB - open.length - close.length) + close, fields: [["event_id"]] };
  },
  "over 1 MiB": (chance, id) => ({ status: 413, body: good(chance, id) + " ".repeat(MIB + chance.below(MIB)) }),
  "broken JSON": (chance) => ({ status: 400, body: chance.pick(NO_JSON) }),
  "cut off": (chance, id) => {
    const text = Buffer.from(good(chance, id));
    return { status: 400, body: text.subarray(0, 1 + chance.below(text.length - 1)) };
  },
  "not UTF-8": (chance, id) => ({ status: 400, body: within(good(chance, id), chance.pick(NO_UTF8)) }),
  "another encoding": (chance, id) => {
    const text = good(chance, id).replace("purchase", "achat réglé");
    const [charset, encoding] = chance.pick([["latin1", "latin1"] as const, ["utf-16", "utf16le"] as const]);
    const mark = encoding === "utf16le" ? Buffer.from("fffe", "hex") : Buffer.alloc(0);
    return {
      status: 400,
      headers: { "content-type": `application/json; charset=${charset}` },
      body: Buffer.concat([mark, Buffer.from(text, encoding)]),
    };
  },
  "a byte order mark inside": (chance, id) => ({
    status: 400,
    body: chance.pick([`\ufeff\ufeff${good(chance, id)}`, `${good(chance, id)}\ufeff`]),
  }),
  "a prototype": (chance, id) => {
    const depth = chance.pick([0, 1, 5, 1_000]);
    const field = chance.pick(PROTOTYPES);
    const inner = depth === 0 ? field : `"extra":${nested(depth, [chance.pick(['{"a":', "["]), `{${field}}`, ""])}`;
    return { status: 400, body: withField(plain(id), depth === 0 ? inner : closed(inner)) };
  },
  compressed: (chance, id) => {
    const [name, compress] = chance.pick([["gzip", gzipSync] as const, ["deflate", deflateSync] as const]);
    return { status: 415, headers: { "content-type": "application/json", "content-encoding": name }, body: compress(good(chance, id)) };
  },
  "compressed, and not said so": (chance, id) => ({ status: 400, body: gzipSync(good(chance, id)) }),
  "another type": (chance, id) => ({ status: 415, headers: { "content-type": chance.pick(OTHER_TYPES) }, body: good(chance, id) }),
  "no type": (chance, id) => ({ status: 415, headers: {}, body: good(chance, id) }),
  "1,001 events": (_chance, id) => ({
    status: 422,
    path: "/api/collect",
    body: listOf(times(MANY + 1, (at) => plain(`${id}-${at}`))),
    fields: [[""]],
  }),
  "no event in a list": (chance) => ofItems(times(1 + chance.below(30), () => ({ text: chance.pick(NO_ITEM), fields: [""] }))),
  "all wrong in a list": (chance, id) => ofItems(times(1 + chance.below(30), (at) => spoiltEvent(chance, `${id}-${at}`))),
  "some wrong in a list": (chance, id) => {
    const wrong = 1 + chance.below(4);
    const items = times(wrong + 1 + chance.below(40), (at) =>
      at < wrong ? spoiltEvent(chance, `${id}-${at}`) : { text: good(chance, `${id}-${at}`), fields: [] },
    );
    const mixed = items.map((item, at) => [chance.next(), item, `${id}-${at}`] as const).toSorted(([a], [b]) => a - b);
    return {
      status: 200,
      path: "/api/collect",
      body: listOf(mixed.map(([, { text }]) => text)),
      fields: mixed.map(([, { fields }]) => fields),
      good: mixed.filter(([, { fields }]) => fields.length === 0).map(([, , event_id]) => event_id),
    };
  },
};

/** Closes what is still open: as many brackets as were opened, the last first. */
function closed(text: string): string {
  const open: string[] = [];
  let quoted = false;
  for (const letter of text) {
    if (letter === '"') quoted = !quoted;
    else if (!quoted && "{[".includes(letter)) open.push(letter === "{" ? "}" : "]");
    else if (!quoted && "}]".includes(letter)) open.pop();
  }
  return text + open.toReversed().join("");
}

function ofFields({ text, fields }: { readonly text: string; readonly fields: readonly string[] }): Draft {
  return { status: 422, body: text, fields: [fields] };
}

/** A list in which nothing is right: each finding says of which item. */
function ofItems(items: readonly { readonly text: string; readonly fields: readonly string[] }[]): Draft {
  const fields = items.map(({ fields }, at) => fields.map((field) => (field === "" ? String(at) : `${at}.${field}`)));
  return { status: 422, path: "/api/collect", body: listOf(items.map(({ text }) => text)), fields };
}

/** So many bodies of every kind in turn, from this seed. */
export function* malformedBodies(count: number, seed: number): Generator<Malformed> {
  const kinds = Object.entries(KINDS);
  const chance = createChance(seed);
  for (let at = 0; at < count; at++) {
    const [kind, make] = kinds[at % kinds.length] ?? ["", KINDS["nothing"] as Kind];
    const { body, ...draft } = make(chance, `m${seed}-${at}`);
    const defaults = {
      path: chance.pick(["/api/collect", "/api/event"] as const),
      fields: [],
      good: [],
      headers: { "content-type": "application/json" },
    };
    yield { kind, ...defaults, ...draft, body: Buffer.from(body) };
  }
}

/** What is answered. */
export interface Answer {
  readonly status: number;
  readonly content_type: string;
  readonly text: string;
}

interface Told {
  readonly status?: number;
  readonly is_success?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly results?: readonly { readonly event_id: string | null; readonly is_success: string; readonly error?: string }[];
}

/** Holds an answer against what must be answered. @returns what is wrong with it, null where nothing is */
export function complaintOf({ kind, status, fields }: Malformed, answer: Answer): string | null {
  const told = JSON.parse(answer.text) as Told;
  const says = (wrong: string) => `${kind}: ${wrong}; it was ${answer.status} ${answer.text.slice(0, 300)}`;
  if (answer.status !== status) return says(`${status} was due`);
  if (status === 200) return answerOfItems(told, fields) ?? null;
  if (told.is_success !== "false" || told.status !== status) return says("is_success or status is missing");
  if (!answer.content_type.startsWith("application/problem+json")) return says(`its type is ${answer.content_type}`);
  const { errors = [] } = told;
  const named = new Set(errors.map(({ path }) => path));
  const due = fields.flat();
  const strange = [...named].filter((path) => !due.includes(path));
  const missing = errors.length === TOLD || status !== 422 ? [] : due.filter((path) => !named.has(path));
  if (status === 422 && named.size === 0) return says("no field is named");
  return strange.length + missing.length > 0 ? says(`named without need: ${strange}; not named: ${missing}`) : null;
}

function answerOfItems({ is_success, results = [] }: Told, fields: Malformed["fields"]): string | null {
  if (is_success !== "true" || results.length !== fields.length) return `a list of ${fields.length} got ${results.length} results`;
  const wrong = results.findIndex((result, at) => {
    const own = fields[at] ?? [];
    if (own.length === 0) return result.is_success !== "true" || result.error !== undefined;
    return result.is_success !== "false" || own.some((field) => !result.error?.includes(field));
  });
  return wrong < 0 ? null : `item ${wrong}: ${JSON.stringify(results[wrong])}, and wrong is ${fields[wrong]}`;
}
