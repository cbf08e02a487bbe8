import { describe, expect, it } from "vitest";
import { INFRA_DIALECT } from "../../bin/app/dialects.ts";
import type { DialectRoute, HttpDeps } from "../../http/deps.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

/** The dialect's shapes, on the commands of this desk. */
const room = { name: "room", description: "The room", example: "hall", is_input: true };
const chat_id = { name: "chat_id", description: "The chat", example: "1001", is_input: false };
const chat = { parameter: "chat_id", platform: "telegram", form: /^-?[1-9]\d*$/, gets_result: true };
const LAMP: DialectRoute = {
  ...{ path: "/old/lamp", methods: ["GET", "POST"], command: "lamp_on", summary: "Light a lamp" },
  ...{ parameters: [room, chat_id], chat },
  message: (given) => `received ${given["room"]}.`,
};
const WORDS = { name: "words", description: "The words", example: "hey", is_input: true };
const SAY: DialectRoute = { ...LAMP, path: "/old/say", command: "say_again", parameters: [WORDS, chat_id] };
const GONE: DialectRoute = { ...LAMP, path: "/old/gone", command: "not_written_yet" };

function desk(overrides: Partial<HttpDeps> = {}) {
  const made = createDesk({ dialects: [LAMP, SAY, GONE], ...overrides });
  const server = createServer(made.deps);
  const ask = (name: string, method: "GET" | "POST", url: string, payload?: object | string, type?: string) =>
    server.inject({
      ...{ method, url: `/api/v1/old${url}` },
      headers: { ...bearer(name), ...(type !== undefined && { "content-type": type }) },
      ...(payload !== undefined && { payload }),
    });
  const { clock, deliveries, end } = made.runs;
  return { ...made, clock, deliveries, end, server, ask, runs: () => made.runs.reader.list({ limit: 99 }) };
}

const FORM = "application/x-www-form-urlencoded";

describe("the parameters", () => {
  it.each([
    ["by query string", "/lamp?room=hall&chat_id=1001", undefined, undefined],
    ["by form", "/lamp", "room=hall&chat_id=1001", FORM],
    ["by JSON", "/lamp", { room: "hall", chat_id: 1001 }, undefined],
    ["partly here and partly there", "/lamp?room=hall", "chat_id=1001", FORM],
    ["here and there alike", "/lamp?room=hall&chat_id=1001", "room=hall", FORM],
    ["with others that we do not know", "/lamp?room=hall&chat_id=1001&verbose=1", undefined, undefined],
    ["in a form that is empty", "/lamp?room=hall&chat_id=1001", "", FORM],
  ])("may come %s", async (_, url, payload, type) => {
    const { ask, runs } = desk();
    const answer = await ask("olga", "POST", url, payload, type);
    expect(answer.statusCode).toBe(202);
    const [run] = await runs();
    expect(answer.json()).toEqual({ message: "received hall.", run_id: run?.run_id });
    expect(run).toMatchObject({ command: "lamp_on", input: { room: "hall" }, identity: "key:olga" });
  });

  it.each<[string, string, object | string | undefined, string[]]>([
    ["nothing", "/lamp", undefined, ["room", "chat_id"]],
    ["no room", "/lamp?chat_id=1001", undefined, ["room"]],
    ["an empty room", "/lamp?room=&chat_id=1001", undefined, ["room"]],
    ["no chat", "/lamp?room=hall", undefined, ["chat_id"]],
    ["an empty chat", "/lamp?room=hall&chat_id=", undefined, ["chat_id"]],
    ["a chat that is none", "/lamp?room=hall&chat_id=abc", undefined, ["chat_id"]],
    ["a chat with a line break", "/lamp?room=hall&chat_id=1001%0a", undefined, ["chat_id"]],
    ["two rooms", "/lamp?room=hall&room=attic&chat_id=1", undefined, ["room"]],
    ["a room that is a list", "/lamp", { room: ["hall"], chat_id: 1 }, ["room"]],
    ["a room that is an object", "/lamp", { room: {}, chat_id: 1 }, ["room"]],
    ["a contradiction", "/lamp?room=hall&chat_id=1", { room: "attic" }, ["room"]],
    ["a body that is a list", "/lamp", [], ["room", "chat_id"]],
    ["a control character", "/lamp?room=a%00b&chat_id=1", undefined, ["room"]],
  ])("%s is 400, and names what is wrong, in order", async (_, url, payload, paths) => {
    const { ask, runs } = desk();
    const answer = await ask("olga", "POST", url, payload);
    expect(answer.json()).toMatchObject({ status: 400, code: "bad_request" });
    const { errors, detail } = answer.json();
    expect(errors.map(({ path }: { path: string }) => path)).toEqual(paths);
    expect(detail).toBe(errors[0].message);
    expect(await runs()).toEqual([]);
  });

  it("come in no other type, and a broken body is a broken body", async () => {
    const { ask } = desk();
    const foreign = await ask("olga", "POST", "/lamp", "<a/>", "application/xml");
    expect([foreign.statusCode, foreign.json().detail]).toEqual([415, "en:http.body_not_form_type"]);
    expect((await ask("olga", "POST", "/lamp", "{", "application/json")).statusCode).toBe(400);
  });

  it("are a form here alone", async () => {
    const { server } = desk();
    const headers = { ...bearer("olga"), "content-type": FORM };
    const elsewhere = await server.inject({ method: "POST", url: "/api/v1/commands/lamp_on", headers, payload: "room=hall" });
    expect(elsewhere.statusCode).toBe(415);
  });
});

describe("the result", () => {
  it("goes to the chat, not to the caller", async () => {
    const { ask, runs, said, deliveries, clock } = desk();
    const answer = await ask("olga", "POST", "/lamp?room=hall&chat_id=-100200");
    expect((await runs())[0]?.run_id).toBe(answer.json().run_id);
    clock.passes(1_000);
    expect(deliveries.say()).toMatchObject([{ reply_to: { platform: "telegram", address: "-100200" }, run_id: answer.json().run_id }]);
    expect(said).toEqual([]);
  });

  it("of what is done at once goes there too", async () => {
    const { ask, said } = desk();
    const answer = await ask("vera", "GET", "/say?words=hey&chat_id=7");
    expect(answer.statusCode).toBe(202);
    expect(said).toMatchObject([{ reply_to: { platform: "telegram", address: "7" }, reply: { title: { raw: "hey" } } }]);
  });

  it("goes nowhere where the command itself speaks to the chat", async () => {
    const { ask, deliveries, clock } = desk({ dialects: [{ ...LAMP, chat: { ...chat, gets_result: false } }] });
    expect((await ask("olga", "POST", "/lamp?room=hall&chat_id=7")).statusCode).toBe(202);
    clock.passes(1_000);
    expect(deliveries.say()).toEqual([]);
  });
});

describe("the same request", () => {
  it("joins the run that is open for that chat, and is a new one after it", async () => {
    const { ask, runs, end } = desk();
    const first = (await ask("olga", "POST", "/lamp?room=hall&chat_id=1")).json();
    expect((await ask("ann", "POST", "/lamp", "chat_id=1&room=hall", FORM)).json()).toEqual(first);
    expect((await ask("olga", "POST", "/lamp?room=attic&chat_id=1")).json().run_id).not.toBe(first.run_id);
    expect((await ask("olga", "POST", "/lamp?room=hall&chat_id=2")).json().run_id).not.toBe(first.run_id);
    await end(first.run_id, { status: "succeeded", output: { room: "hall" }, error: null });
    expect((await ask("olga", "POST", "/lamp?room=hall&chat_id=1")).json().run_id).not.toBe(first.run_id);
    expect(await runs()).toHaveLength(4);
  });

  it("joins it also where the caller has as many open runs as they may", async () => {
    const { ask } = desk();
    const runs = [];
    for (let at = 0; at < 50; at++) runs.push((await ask("olga", "POST", `/lamp?room=r${at}&chat_id=1`)).json().run_id);
    expect((await ask("olga", "POST", "/lamp?room=new&chat_id=1")).statusCode).toBe(429);
    expect((await ask("olga", "POST", "/lamp?room=r7&chat_id=1")).json().run_id).toBe(runs[7]);
  });
});

describe("what is asked first or refused", () => {
  it("is confirmed over REST, and its result goes to the chat all the same", async () => {
    const { ask, server, deliveries, clock } = desk();
    const question = await ask("olga", "POST", "/lamp?room=cellar&chat_id=5");
    expect(question.statusCode).toBe(409);
    expect(question.json()).toMatchObject({ outcome: "confirm", token: expect.any(String) });
    const url = `/api/v1/confirmations/${question.json().token}`;
    expect((await server.inject({ method: "POST", url, headers: bearer("olga") })).statusCode).toBe(202);
    clock.passes(1_000);
    expect(deliveries.say()).toMatchObject([{ reply_to: { platform: "telegram", address: "5" } }]);
  });

  it("below the role is 403 whatever the parameters are, without a key 401, unknown 404", async () => {
    const { ask } = desk();
    expect((await ask("vera", "POST", "/lamp")).json()).toMatchObject({ status: 403, code: "forbidden" });
    expect((await ask("nobody", "POST", "/lamp")).statusCode).toBe(401);
    expect((await ask("olga", "POST", "/gone?room=hall&chat_id=1")).json()).toMatchObject({ status: 404, code: "unknown_command" });
  });
});

it("the infra service's own routes are the contract's", () => {
  expect(INFRA_DIALECT.flatMap(({ methods, path }) => methods.map((method) => `${method} ${path}`))).toEqual([
    "POST /cf/block",
    "POST /cf/release",
    "GET /cf/search",
    "GET /telegram",
    "POST /telegram",
  ]);
});
