import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import type { HttpDeps } from "../../http/deps.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

/** A desk, and people who ask it with a key to repeat by. */
function desk(overrides: (deps: HttpDeps) => Partial<HttpDeps> = () => ({})) {
  const made = createDesk();
  const server = createServer({ ...made.deps, ...overrides(made.deps) });
  const post = (name: string, key: string, url: string, payload?: object | string, headers: Record<string, string> = {}) =>
    server.inject({
      method: "POST",
      url: `/api/v1${url}`,
      headers: { ...bearer(name), "idempotency-key": key, "content-type": "application/json", ...headers },
      ...(payload !== undefined && { payload }),
    });
  const runs = () => made.runs.reader.list({ limit: 99 });
  return { ...made, post, runs, server, clock: made.runs.clock };
}

const HALL = { room: "hall" };

describe("the same request under the same key", () => {
  it("is one run, and gets the same answer", async () => {
    const { post, runs } = desk();
    const first = await post("olga", "k1", "/commands/lamp_on", HALL);
    const again = await post("olga", "k1", "/commands/lamp_on", HALL);
    expect([first.statusCode, again.statusCode]).toEqual([202, 202]);
    expect(again.body).toBe(first.body);
    expect(again.headers["content-type"]).toBe(first.headers["content-type"]);
    expect(again.headers["x-request-id"]).toBe(first.headers["x-request-id"]);
    expect([first.headers["idempotent-replayed"], again.headers["idempotent-replayed"]]).toEqual([undefined, "true"]);
    expect(await runs()).toHaveLength(1);
  });

  it("is the same however its body is written", async () => {
    const { post } = desk();
    const first = await post("vera", "k1", "/commands/say_again", '{"words":"hey","times":2}');
    const again = await post("vera", "k1", "/commands/say_again", '{ "times": 2.0, "words": "h\\u0065y" }');
    expect(again.json()).toEqual(first.json());
    expect(again.headers["idempotent-replayed"]).toBe("true");
  });

  it("has one confirmation, and confirming it is one run", async () => {
    const { post, runs } = desk();
    const first = await post("olga", "k1", "/commands/lamp_on", { room: "cellar" });
    const again = await post("olga", "k1", "/commands/lamp_on", { room: "cellar" });
    expect([first.statusCode, again.statusCode]).toEqual([409, 409]);
    expect(again.json()).toEqual(first.json());
    const confirmed = await post("olga", "k2", `/confirmations/${first.json().token}`);
    expect((await post("olga", "k2", `/confirmations/${first.json().token}`)).json()).toEqual(confirmed.json());
    expect(await runs()).toHaveLength(1);
  });

  it("is remembered for a day", async () => {
    const { post, runs, clock } = desk();
    const first = await post("olga", "k1", "/commands/lamp_on", HALL);
    clock.passes(86_400_001);
    const next = await post("olga", "k1", "/commands/lamp_on", HALL);
    expect(next.json().run_id).not.toBe(first.json().run_id);
    expect(await runs()).toHaveLength(2);
  });

  it("gets the refusal it got, as a problem", async () => {
    const { post } = desk();
    const first = await post("vera", "k1", "/commands/say_again", { wrods: "hey" });
    const again = await post("vera", "k1", "/commands/say_again", { wrods: "hey" });
    expect(again.statusCode).toBe(422);
    expect(again.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(again.json()).toEqual(first.json());
  });

  it("is one run when it comes many times at once", async () => {
    const { post, runs } = desk();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post("olga", "k1", "/commands/lamp_on", HALL)));
    expect(new Set(answers.map(({ statusCode, body }) => `${statusCode} ${body}`)).size).toBe(1);
    expect(await runs()).toHaveLength(1);
  });

  it("has one question to confirm when it comes many times at once", async () => {
    const { post } = desk();
    const answers = await Promise.all(Array.from({ length: 9 }, () => post("olga", "k1", "/commands/lamp_on", { room: "cellar" })));
    expect(new Set(answers.map((answer) => answer.json().token)).size).toBe(1);
  });
});

describe("another request under the same key", () => {
  it.each([
    ["another body", "/commands/lamp_on", { room: "attic" }],
    ["no body", "/commands/lamp_on", undefined],
    ["another query", "/commands/lamp_on?x=1", HALL],
  ])("%s is refused, and does nothing", async (_, url, body) => {
    const { post, runs } = desk();
    await post("olga", "k1", "/commands/lamp_on", HALL);
    const other = await post("olga", "k1", url, body);
    expect(other.json()).toMatchObject({ status: 422, code: "idempotency_mismatch", detail: "en:http.idempotency_mismatch" });
    expect(await runs()).toHaveLength(1);
  });

  it("is none of it on another route, or of somebody else", async () => {
    const { post, runs } = desk();
    await post("olga", "k1", "/commands/lamp_on", HALL);
    expect((await post("ann", "k1", "/commands/lamp_on", { room: "attic" })).statusCode).toBe(202);
    expect((await post("olga", "k1", "/commands/say_again", { words: "hey" })).statusCode).toBe(200);
    expect((await post("olga", "k1", "/ask", { text: "again hey" })).statusCode).toBe(200);
    expect(await runs()).toHaveLength(2);
  });
});

describe("what may pass", () => {
  it("is not kept: busy, away, and a role that is still to be given", async () => {
    const { post } = desk();
    for (const words of ["busy", "away", "boom"]) {
      const first = await post("vera", words, "/commands/say_again", { words });
      const again = await post("vera", words, "/commands/say_again", { words });
      expect(again.statusCode).toBe(first.statusCode);
      expect(again.headers["idempotent-replayed"]).toBeUndefined();
    }
    await post("vera", "k1", "/commands/lamp_on", HALL);
    expect((await post("vera", "k1", "/commands/lamp_on", HALL)).headers["idempotent-replayed"]).toBeUndefined();
  });

  it("is the same request when it comes again: what was cut off goes on", async () => {
    let cut = true;
    const { post, runs } = desk(({ dispatch }) => ({
      async dispatch(request) {
        const outcome = await dispatch(request);
        const error = new OpsError("unavailable", "the answer was lost");
        return cut ? { kind: "failed", error, reply: outcome.reply } : outcome;
      },
    }));
    expect((await post("olga", "k1", "/commands/lamp_on", HALL)).statusCode).toBe(503);
    cut = false;
    const again = await post("olga", "k1", "/commands/lamp_on", HALL);
    expect((await runs()).map(({ run_id }) => run_id)).toEqual([again.json().run_id]);
  });

  it("a question of a dialogue keeps its dialogue", async () => {
    const { post } = desk(({ idempotency }) => ({ idempotency: { ...idempotency, keep: async (_id, answer) => answer } }));
    const first = await post("vera", "k1", "/ask", { text: "say again" });
    const again = await post("vera", "k1", "/ask", { text: "say again" });
    expect(first.json()).toMatchObject({ outcome: "ask", field: "words" });
    expect(again.json()).toEqual(first.json());
  });
});

describe("a store that is away", () => {
  const away = () => Promise.reject(new OpsError("unavailable", "no database"));

  it("before: nothing is done", async () => {
    const { post, runs } = desk(({ idempotency }) => ({ idempotency: { ...idempotency, begin: away } }));
    const answer = await post("olga", "k1", "/commands/lamp_on", HALL);
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["retry-after"]).toBe("5");
    expect(await runs()).toEqual([]);
  });

  it("after: what is accepted stays accepted", async () => {
    const { post, runs, log } = desk(({ idempotency }) => ({ idempotency: { ...idempotency, keep: away } }));
    const first = await post("olga", "k1", "/commands/lamp_on", HALL);
    expect(first.statusCode).toBe(202);
    expect((await post("olga", "k1", "/commands/lamp_on", HALL)).json()).toEqual(first.json());
    expect(await runs()).toHaveLength(1);
    expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(2);
  });
});

describe("a key", () => {
  it.each(["", " ", "two words", "a".repeat(256), "a\tb", "\u00e9"])("that is none is refused, naming the header: %j", async (key) => {
    const { post, runs } = desk();
    const answer = await post("olga", key, "/commands/lamp_on", HALL);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().errors).toEqual([{ path: "Idempotency-Key", message: "en:http.idempotency_key" }]);
    expect(await runs()).toEqual([]);
  });

  it.each(["!", "~", '"quoted"', "a".repeat(255), "'; DROP TABLE idempotency; --".replaceAll(" ", "")])("may be %j", async (key) => {
    expect((await desk().post("olga", key, "/commands/lamp_on", HALL)).statusCode).toBe(202);
  });

  it("means nothing on other methods", async () => {
    const { server } = desk();
    const get = () => server.inject({ method: "GET", url: "/api/v1/runs", headers: { ...bearer("olga"), "idempotency-key": "two words" } });
    expect((await get()).statusCode).toBe(200);
  });

  it("is not looked at before the caller is known", async () => {
    const { post } = desk();
    expect((await post("nobody", "two words", "/commands/lamp_on", HALL)).statusCode).toBe(401);
  });

  it("does not make a body that nests without end readable", async () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const answer = await desk().post("vera", "k1", "/commands/say_again", `{"words":${deep}}`);
    expect(answer.json()).toMatchObject({ status: 422, code: "invalid_input" });
  });
});
