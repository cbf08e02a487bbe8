import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { HttpDeps } from "../../http/deps.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

type Method = "GET" | "POST" | "DELETE";

/** Somebody with a key, who talks to one desk. */
function desk(overrides: Partial<HttpDeps> = {}) {
  const { deps, runs } = createDesk(overrides);
  const server = createServer(deps);
  const as =
    (name: string, headers: Record<string, string> = {}) =>
    (method: Method, url: string, payload?: object | string) =>
      server.inject({ method, url: `/api/v1${url}`, headers: { ...bearer(name), ...headers }, ...(payload !== undefined && { payload }) });
  return { as, runs };
}

describe("GET /commands", () => {
  const Listing = z.object({ commands: z.array(z.looseObject({ slug: z.string(), summary: z.string() })) });

  it("lists what the caller may run, in their language", async () => {
    const { as } = desk();
    const vera = Listing.parse((await as("vera", { "accept-language": "ko-KR,en;q=0.5" })("GET", "/commands")).json());
    expect(vera.commands).toEqual([
      {
        name: "say again",
        slug: "say_again",
        aliases: ["again"],
        summary: "말을 반복합니다",
        role: "viewer",
        effect: "read",
        input: expect.objectContaining({ type: "object", required: ["words"] }),
        examples: ["say again hello --times 2"],
      },
    ]);
    const ann = Listing.parse((await as("ann")("GET", "/commands")).json());
    expect(ann.commands.map(({ slug, effect }) => [slug, effect])).toEqual([
      ["say_again", "read"],
      ["lamp_on", "depends"],
    ]);
  });
});

describe("POST /commands/{slug}", () => {
  it("answers an inline command with its output", async () => {
    const response = await desk().as("vera")("POST", "/commands/say_again", { words: "hey", times: 2 });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      outcome: "done",
      output: { said: "hey hey" },
      reply: { tone: "ok", title: "hey hey", text: "hey hey" },
    });
    expect(response.headers).toMatchObject({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
    expect(response.headers["x-request-id"]).toMatch(/^id-\d+$/);
  });

  it("accepts a queued command", async () => {
    const { as, runs } = desk();
    const response = await as("olga", { "accept-language": "ru" })("POST", "/commands/lamp", { room: "hall" });
    expect(response.statusCode).toBe(202);
    const { run_id } = response.json();
    expect(response.json()).toEqual({
      outcome: "queued",
      run_id,
      status_url: `/api/v1/runs/${run_id}`,
      reply: expect.objectContaining({ tone: "pending", title: "ru:run.running command=lamp_on" }),
    });
    expect(await runs.reader.get(run_id)).toMatchObject({ command: "lamp_on", input: { room: "hall" }, identity: "key:olga" });
  });

  it.each([
    ["an array", [1], [{ path: "", message: "en:parse.not_an_object" }]],
    ["null", "null", [{ path: "", message: "en:parse.not_an_object" }]],
    ["no body", undefined, [{ path: "words", message: "en:parse.required field=words" }]],
    ["an empty body", "", [{ path: "words", message: "en:parse.required field=words" }]],
    ["an unknown field", { words: "a", wrods: 1 }, [{ path: "wrods", message: expect.stringContaining("unknown_field") }]],
    ["a control character", { words: "a\0b" }, [{ path: "words", message: expect.stringContaining("control_character") }]],
  ])("refuses %s with 422", async (_, payload, errors) => {
    const response = await desk().as("vera", { "content-type": "application/json" })("POST", "/commands/say_again", payload);
    expect(response.statusCode).toBe(422);
    expect(response.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(response.json()).toMatchObject({ status: 422, code: "invalid_input", title: "en:problems.invalid_input", errors });
  });

  it("knows no other command, and none above the caller's role", async () => {
    const vera = desk().as("vera");
    expect((await vera("POST", "/commands/toString", {})).json()).toMatchObject({ status: 404, code: "unknown_command" });
    expect((await vera("POST", `/commands/${"x".repeat(300)}`, {})).statusCode).toBe(404);
    expect((await vera("POST", "/commands/lamp_on", {})).json()).toMatchObject({ status: 403, code: "forbidden" });
  });
});

describe("a dangerous command", () => {
  const asked = async () => {
    const { as, runs } = desk();
    const response = await as("olga")("POST", "/commands/lamp_on", { room: "cellar" });
    return { as, runs, response, path: `/confirmations/${response.json().token}` };
  };

  it("is asked first, and runs once it is confirmed", async () => {
    const { as, runs, response, path } = await asked();
    expect(response.statusCode).toBe(409);
    expect(response.json()).toMatchObject({
      outcome: "confirm",
      token: expect.any(String),
      reply: { tone: "warn", buttons: expect.any(Array) },
    });
    expect(response.headers["content-type"]).toMatch(/^application\/json/);
    const confirmed = await as("olga", { "content-type": "application/json" })("POST", path, "");
    expect(confirmed.statusCode).toBe(202);
    expect(await runs.reader.get(confirmed.json().run_id)).toMatchObject({ input: { room: "cellar" } });
    expect((await as("olga")("POST", path)).json()).toMatchObject({ status: 404, code: "confirmation_gone" });
  });

  it("may be dropped", async () => {
    const { as, path } = await asked();
    const dropped = await as("olga")("DELETE", path);
    expect(dropped.statusCode).toBe(200);
    expect(dropped.json()).toMatchObject({ outcome: "done", output: null });
    expect((await as("olga")("POST", path)).statusCode).toBe(404);
  });

  it("is nobody else's to confirm", async () => {
    const { as, path } = await asked();
    expect((await as("ann")("POST", path)).statusCode).toBe(404);
    expect((await as("olga")("POST", path)).statusCode).toBe(202);
    expect((await as("olga")("POST", "/confirmations/%00")).statusCode).toBe(404);
  });
});

describe("POST /ask", () => {
  it("is a chat line", async () => {
    const response = await desk().as("vera")("POST", "/ask", { text: "again hey --times 2", conversation: "c-1" });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ outcome: "done", output: { said: "hey hey" }, conversation: "c-1" });
  });

  it("asks for what is missing, and goes on in the same conversation", async () => {
    const vera = desk().as("vera");
    const question = await vera("POST", "/ask", { text: "say again" });
    expect(question.statusCode).toBe(200);
    expect(question.json()).toMatchObject({ outcome: "ask", field: "words", reply: { title: "en:ask.say_again.words" } });
    const { conversation } = question.json();
    const answer = await vera("POST", "/ask", { text: "hey", conversation });
    expect(answer.json()).toMatchObject({ outcome: "done", output: { said: "hey" }, conversation });
  });

  it("suggests, asks to confirm, and refuses", async () => {
    const { as } = desk();
    const suggestion = await as("vera")("POST", "/ask", { text: "agian hey" });
    expect(suggestion.statusCode).toBe(200);
    expect(suggestion.json()).toMatchObject({ outcome: "suggest", commands: ["say_again"] });
    expect((await as("olga")("POST", "/ask", { text: "lamp cellar" })).statusCode).toBe(409);
    expect((await as("vera")("POST", "/ask", { text: "lamp hall" })).statusCode).toBe(403);
  });

  it("answers in the language of its body, problems too", async () => {
    const vera = desk().as("vera", { "accept-language": "ru" });
    expect((await vera("POST", "/ask", { text: "say again", locale: "ko" })).json().reply.title).toMatch(/^ko:/);
    expect((await vera("POST", "/ask", { text: "lamp hall", locale: "ko" })).json().detail).toMatch(/^ko:/);
  });

  it.each([
    ["text", {}],
    ["text", { text: "" }],
    ["text", { text: "a".repeat(20_000) }],
    ["conversation", { text: "hey", conversation: "a b" }],
    ["locale", { text: "hey", locale: "fr" }],
    ["txt", { text: "hey", txt: "hey" }],
  ])("names %s when it is wrong", async (path, payload) => {
    const response = await desk().as("vera")("POST", "/ask", payload);
    expect(response.statusCode).toBe(422);
    expect(response.json().errors[0].path).toBe(path);
  });
});
