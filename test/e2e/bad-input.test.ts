import { describe, expect, it } from "vitest";
import { until } from "../../proof/process.ts";
import { expectProblem, expectSentence, type Got, type Sent, send } from "../support/rest.ts";
import { useWorld } from "../support/shared-world.ts";

const MIB = 1_048_576;
const world = useWorld();

const ask = (path: string, sent: Sent = {}): Promise<Got> => send(`${world.program().url}/api/v1${path}`, sent);
const as = (role: "viewer" | "operator" | "admin" | "ingest", path: string, sent: Sent = {}) =>
  ask(path, { ...sent, key: world.key(role) });
const block = (body: unknown, sent: Sent = {}) => as("operator", "/commands/cf_block", { ...sent, body });

/** A body of exactly so many bytes. */
function bodyOf(bytes: number): string {
  const [open, close] = ['{"ip":"', '"}'];
  return open + "a".repeat(bytes - open.length - close.length) + close;
}

type Case = readonly [name: string, body: unknown, status: number, code: string];

/** What no command sees: it is not even asked for, so that the audit knows nothing of it. */
const UNREADABLE: readonly Case[] = [
  ["broken JSON", '{"ip":', 400, "bad_request"],
  ["not UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, "bad_request"],
  ["a prototype", '{"ip":"203.0.113.7","__proto__":{"role":"admin"}}', 400, "bad_request"],
  ["a prototype, escaped", '{"ip":"203.0.113.7","\\u005f_proto__":{}}', 400, "bad_request"],
  ["a constructor's prototype", '{"ip":"203.0.113.7","constructor":{"prototype":{}}}', 400, "bad_request"],
  ["one byte over 1 MiB", bodyOf(MIB + 1), 413, "too_large"],
  ["2 MiB", bodyOf(2 * MIB), 413, "too_large"],
];

const WRONG: readonly Case[] = [
  ["an array", ["203.0.113.7"], 422, "invalid_input"],
  ["null", "null", 422, "invalid_input"],
  ["nothing", {}, 422, "invalid_input"],
  ["no address", { ip: "999.1.1.1" }, 422, "invalid_input"],
  ["a private address", { ip: "10.0.0.1" }, 422, "protected_address"],
  ["a private address as IPv6", { ip: "::ffff:10.0.0.1" }, 422, "protected_address"],
  ["a good and a private address", { ip: ["203.0.113.7", "127.0.0.1"] }, 422, "protected_address"],
  ["an emoji", { ip: "😀" }, 422, "invalid_input"],
  ["4,096 characters", { ip: "😀".repeat(2_048) }, 422, "invalid_input"],
  ["a NUL", { ip: "203.0.113.7", reason: "a\u0000b" }, 422, "invalid_input"],
  ["half a character", '{"ip":"203.0.113.7","reason":"\\ud800"}', 422, "invalid_input"],
  ["101 addresses", { ip: Array.from({ length: 101 }, (_, at) => `203.0.113.${at}`) }, 422, "invalid_input"],
  ["an unknown field", { ip: "203.0.113.7", raeson: "x" }, 422, "invalid_input"],
  ["another type", { ip: { $ne: null } }, 422, "invalid_input"],
  ["a key given twice: the last one counts", '{"ip":"203.0.113.7","ip":"10.0.0.1"}', 422, "protected_address"],
  ["half a million brackets", `{"ip":${"[".repeat(500_000)}${"]".repeat(500_000)}}`, 422, "invalid_input"],
  ["exactly 1 MiB", bodyOf(MIB), 422, "invalid_input"],
];

describe("a body", () => {
  it.each(UNREADABLE)("%s changes nothing at all", async (_, body, status, code) => {
    const changed = await world.changes(async () => {
      for (const language of ["en", "ko", "ru"]) {
        const got = await block(body, { headers: { "accept-language": language } });
        expectProblem(got, status, code);
        expectSentence(got.json["detail"], language);
      }
    });
    expect(changed).toEqual([]);
  });

  it.each(WRONG)("%s changes nothing but the audit", async (_, body, status, code) => {
    const changed = await world.changes(async () => {
      for (const language of ["en", "ko", "ru"]) {
        const got = await block(body, { headers: { "accept-language": language } });
        expectProblem(got, status, code);
        expectSentence(got.json["detail"], language);
        const errors = (got.json["errors"] ?? []) as { message: string }[];
        for (const { message } of errors) expectSentence(message, language);
      }
    });
    expect(changed).toEqual(["audit"]);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data"])(
    "of type %s is 415",
    async (type) => {
      const changed = await world.changes(async () => {
        const got = await block('{"ip":"203.0.113.7"}', { headers: { "content-type": type } });
        expectProblem(got, 415, "unsupported_media_type");
        expectSentence(got.json["detail"], "en");
      });
      expect(changed).toEqual([]);
    },
  );
});

describe("who may not", () => {
  /** A wrong key is counted against its address; of anything else nothing is kept. */
  const COUNTED = /^with a (wrong key|key's beginning)$/;

  it.each<[string, () => Sent, number, string]>([
    ["without a key", () => ({}), 401, "unauthenticated"],
    ["with a wrong key", () => ({ key: "a-wrong-key-of-some-length" }), 401, "unauthenticated"],
    ["with a key's beginning", () => ({ key: world.key("operator").slice(0, -1) }), 401, "unauthenticated"],
    ["with another scheme", () => ({ headers: { authorization: `Basic ${world.key("operator")}` } }), 401, "unauthenticated"],
    ["with a bare key", () => ({ headers: { authorization: world.key("operator") } }), 401, "unauthenticated"],
    ["with a key for events", () => ({ key: world.key("ingest") }), 403, "forbidden"],
  ])("%s leaves no trace", async (name, sent, status, code) => {
    const changed = await world.changes(async () => {
      for (const language of ["en", "ko", "ru"]) {
        const given = sent();
        const got = await ask("/commands/cf_block", {
          ...given,
          body: { ip: "203.0.113.7" },
          headers: { ...given.headers, "accept-language": language },
        });
        expectProblem(got, status, code);
        expectSentence(got.json["detail"], language);
        expect(got.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
      }
    });
    expect(changed).toEqual(COUNTED.test(name) ? ["conversations"] : []);
  });

  it("as a viewer is told before the input is looked at", async () => {
    const changed = await world.changes(async () => {
      for (const body of [{ ip: "203.0.113.7" }, { ip: 5 }, {}]) {
        const got = await as("viewer", "/commands/cf_block", { body });
        expectProblem(got, 403, "forbidden");
        expectSentence(got.json["detail"], "en");
      }
      expectProblem(await as("viewer", "/commands/grant", { body: { identity: "key:viewer", role: "admin" } }), 403, "forbidden");
    });
    expect(changed).toEqual(["audit"]);
  });

  it("as a viewer sees no run of others, and is not told that there is one", async () => {
    const run_id = String((await block({ ip: "203.0.113.50" })).json["run_id"]);
    expect((await as("operator", `/runs/${run_id}`)).json).toMatchObject({ run_id, person: "key:operator" });
    const [theirs, none] = [await as("viewer", `/runs/${run_id}`), await as("viewer", "/runs/000000000000")];
    expectProblem(theirs, 404, "not_found");
    expect({ ...theirs.json, request_id: "" }).toEqual({ ...none.json, request_id: "" });
    expect((await as("viewer", "/runs")).json).toEqual({ runs: [], next_cursor: null });
    expectProblem(await as("viewer", "/commands/run_show", { body: { run_id } }), 404, "not_found");
    await until("the run is over", async () => (await as("operator", `/runs/${run_id}`)).json["finished_at"] !== null);
  });
});

describe("a confirmation", () => {
  const grant = async (identity: string) => {
    const asked = await as("admin", "/commands/grant", { body: { identity, role: "admin" } });
    expect(asked.status).toBe(409);
    expect(asked.json).toMatchObject({ outcome: "confirm", reply: { tone: "warn" } });
    return `/confirmations/${asked.json["token"]}`;
  };

  it("counts once, for the one who was asked", async () => {
    const path = await grant("telegram:910");
    const stolen = await world.changes(async () => {
      for (const method of ["POST", "DELETE"]) expectProblem(await as("operator", path, { method }), 404, "confirmation_gone");
    });
    expect(stolen).toEqual(["audit"]);
    expect((await as("admin", path, { method: "POST" })).json).toMatchObject({ outcome: "done", output: { after: "admin" } });
    const used = await world.changes(async () => {
      for (const method of ["POST", "DELETE"]) {
        const got = await as("admin", path, { method });
        expectProblem(got, 404, "confirmation_gone");
        expectSentence(got.json["detail"], "en");
      }
    });
    expect(used).toEqual(["audit"]);
  });

  it("that was taken back cannot be given", async () => {
    const path = await grant("telegram:911");
    expect((await as("admin", path, { method: "DELETE" })).json).toMatchObject({ outcome: "done" });
    expect(await world.changes(async () => expectProblem(await as("admin", path, { method: "POST" }), 404))).toEqual(["audit"]);
  });

  it("is used once also by ten who press at once", async () => {
    const path = await grant("telegram:912");
    const got = await Promise.all(Array.from({ length: 10 }, () => as("admin", path, { method: "POST" })));
    const done = got.filter(({ status }) => status === 200);
    expect(new Set(done.map(({ json }) => json["run_id"])).size).toBe(1);
    for (const other of got.filter(({ status }) => status !== 200)) expectProblem(other, 404, "confirmation_gone");
    const { json } = await as("admin", `/runs/${done[0]?.json["run_id"]}`);
    expect(json).toMatchObject({ status: "succeeded", output: { after: "admin" } });
  });

  it.each(["invented", "%00", "a%2Fb", "..%2f..", "a".repeat(150)])("of no such token: %s", async (token) => {
    expectProblem(await as("admin", `/confirmations/${token}`, { method: "POST" }), 404);
  });
});

describe("a dialogue", () => {
  it("asks for what is missing, and belongs to its caller", async () => {
    const first = await as("operator", "/ask", { body: { text: "/block", locale: "ko" } });
    expect(first.json).toMatchObject({ outcome: "ask", field: "ip", conversation: expect.any(String) });
    expectSentence((first.json["reply"] as { title: string }).title, "ko");
    const { conversation } = first.json;
    const other = await as("admin", "/ask", { body: { text: "203.0.113.60", conversation } });
    expect(other.json).toMatchObject({ outcome: "suggest" });
    expectProblem(await as("operator", "/ask", { body: { text: "10.0.0.1", conversation } }), 422, "protected_address");
    const done = await as("operator", "/ask", { body: { text: "203.0.113.60", conversation } });
    expect(done.json).toMatchObject({ outcome: "queued", conversation });
    await until("the run is over", async () => (await as("operator", `/runs/${done.json["run_id"]}`)).json["status"] === "succeeded");
  });

  it.each([{ text: "" }, { text: 5 }, {}, { text: "a", locale: "fr" }, { text: "a", conversation: "../x" }, { text: "x".repeat(16_385) }])(
    "is refused: %j",
    async (body) => {
      const got = await as("operator", "/ask", { body });
      expectProblem(got, 422, "invalid_input");
      expectSentence(got.json["detail"], "en");
    },
  );

  it("answers an unknown line in the language of the body", async () => {
    const got = await as("viewer", "/ask", { body: { text: "😀".repeat(2_048), locale: "ru" }, headers: { "accept-language": "ko" } });
    expect(got.json).toMatchObject({ outcome: "suggest" });
    expectSentence((got.json["reply"] as { title: string }).title, "ru");
  });
});
