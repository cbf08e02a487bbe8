import { beforeAll, describe, expect, it } from "vitest";
import { type Program, startProgram } from "../../proof/process.ts";
import { expectProblem, expectSentence, send } from "../support/rest.ts";
import { useWorld } from "../support/shared-world.ts";

const world = useWorld();
let other: Program;
beforeAll(async () => {
  other = await startProgram("bin/switchboard.js", { args: ["serve"], env: { ...world.env(), ROLES: "http" } });
  return () => other.kill();
});

let keys = 0;
const newKey = () => `e2e-${++keys}`;

/** Posts to one of two servers of one database. */
function post(program: Program, key: string, path: string, body: object, language = "en") {
  const headers = { "idempotency-key": key, "accept-language": language };
  return send(`${program.url}/api/v1${path}`, { key: world.key("admin"), body, headers });
}
const programs = () => [world.program(), other] as const;

describe("one key, two servers", () => {
  it("the same request is one run, wherever and whenever it comes", async () => {
    const key = newKey();
    const [a, b] = programs();
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, at) => post(at % 2 ? a : b, key, "/commands/cf_search", { ip: "203.0.113.40" })),
    );
    expect(new Set(all.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    const runs = await send(`${a.url}/api/v1/runs?command=cf_search`, { key: world.key("admin") });
    expect((runs.json["runs"] as unknown[]).length).toBe(1);
  });

  it("a dangerous one has one question, and its confirmation is one run", async () => {
    const key = newKey();
    const asked = await Promise.all(
      programs().map((program) => post(program, key, "/commands/grant", { identity: "telegram:77", role: "admin" })),
    );
    expect(asked.map(({ status }) => status)).toEqual([409, 409]);
    expect(new Set(asked.map(({ json }) => json["token"])).size).toBe(1);
    const again = newKey();
    const path = `/confirmations/${asked[0]?.json["token"]}`;
    const first = await post(other, again, path, {});
    expect(first.status).toBe(200);
    expect((await post(world.program(), again, path, {})).json).toEqual(first.json);
  });

  it("an inline write at the same moment is done once: done, or still being done", async () => {
    const key = newKey();
    const body = { identity: "telegram:78", role: "viewer" };
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, at) => post(at % 2 ? world.program() : other, key, "/commands/grant", body)),
    );
    for (const { status, headers } of all) {
      expect([200, 503]).toContain(status);
      if (status === 503) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    }
    const done = all.filter(({ status }) => status === 200);
    expect(done.length).toBeGreaterThan(0);
    expect(new Set(done.map(({ json }) => json["run_id"])).size).toBe(1);
    expect((await post(other, key, "/commands/grant", body)).json).toEqual(done[0]?.json);
  });
});

describe("refusals", () => {
  it.each(["en", "ko", "ru"])("another body is refused in %s and changes nothing", async (language) => {
    const key = newKey();
    await post(other, key, "/commands/whoami", {});
    const got = await post(world.program(), key, "/commands/whoami?again=1", {}, language);
    expectProblem(got, 422, "idempotency_mismatch");
    expectSentence(got.json["detail"], language);
  });

  it.each(["en", "ko", "ru"])("a key that is none is refused in %s and changes nothing", async (language) => {
    const changed = await world.changes(async () => {
      const got = await post(other, "two words", "/commands/cf_block", { ip: "203.0.113.41" }, language);
      expectProblem(got, 422, "invalid_input");
      expectSentence(got.json["detail"], language);
      expect(got.json["errors"]).toMatchObject([{ path: "Idempotency-Key" }]);
    });
    expect(changed).toEqual([]);
  });
});

it("many wrong keys from one address are held back, the right one is not", async () => {
  const guesses = await Promise.all(
    Array.from({ length: 30 }, (_, at) => send(`${programs()[at % 2]?.url}/api/v1/runs`, { key: `guess-${at}` })),
  );
  expect(guesses.filter(({ status }) => status === 401)).toHaveLength(20);
  const held = guesses.filter(({ status }) => status === 429);
  expect(held).toHaveLength(10);
  for (const got of held) {
    expectProblem(got, 429, "rate_limited");
    expectSentence(got.json["detail"], "en");
    expect(Number(got.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  expect((await send(`${other.url}/api/v1/runs`, { key: world.key("viewer") })).status).toBe(200);
});
