import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Health } from "../../core/ports.ts";
import type { HttpDeps } from "../../http/deps.ts";
import { negotiateLocale } from "../../http/language.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

const LOCAL = { host: "localhost:8080" };
const JSON_TYPE = { "content-type": "application/json" };

function post(payload: string | Buffer, headers: Record<string, string> = JSON_TYPE, overrides: Partial<HttpDeps> = {}) {
  const { deps, log } = createDesk(overrides);
  const url = "/api/v1/commands/say_again";
  return { log, response: createServer(deps).inject({ method: "POST", url, headers: { ...bearer("vera"), ...headers }, payload }) };
}

describe("a body", () => {
  it.each([
    ["that is broken", '{"words":', 400, "bad_request"],
    ["that is not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, "bad_request"],
    ["that reaches for a prototype", '{"words":"a","__proto__":{"role":"admin"}}', 400, "bad_request"],
    ["over 1 MiB", JSON.stringify({ words: "a".repeat(1_048_576) }), 413, "too_large"],
  ])("%s", async (_, payload, status, code) => {
    const response = await post(payload).response;
    expect(response.json()).toMatchObject({ status, code, title: `en:problems.${code}`, request_id: response.headers["x-request-id"] });
    expect(response.statusCode).toBe(status);
    expect(response.headers["content-type"]).toMatch(/^application\/problem\+json/);
  });

  it.each(['{"words":"a","__proto__":{"role":"admin"}}', '{"words":"a","constructor":{"prototype":{}}}'])(
    "names what it may not hold: %s",
    async (payload) => {
      expect((await post(payload).response).json()).toMatchObject({ status: 400, detail: "en:http.body_prototype" });
    },
  );

  it.each([{ "content-type": "text/plain" }, { "content-type": "application/x-www-form-urlencoded" }, { "content-type": "json" }, {}])(
    "of another type: %o",
    async (headers) => {
      const response = await post('{"words":"a"}', headers as Record<string, string>).response;
      expect(response.json()).toMatchObject({ status: 415, code: "unsupported_media_type" });
    },
  );

  it("may name its charset", async () => {
    const response = await post('{"words":"안녕"}', { "content-type": "application/json; charset=utf-8" }).response;
    expect(response.json()).toMatchObject({ output: { said: "안녕" } });
  });
});

describe("a failure", () => {
  it("of ours shows a fixed sentence and the request's id, and the log the rest", async () => {
    const { log, response } = post('{"words":"boom"}', { ...JSON_TYPE, "accept-language": "ru" });
    const { statusCode, body, headers } = await response;
    expect(statusCode).toBe(500);
    const request_id = headers["x-request-id"];
    expect(JSON.parse(body)).toEqual({
      status: 500,
      code: "internal",
      title: "ru:problems.internal",
      detail: `ru:errors.internal_request request_id=${request_id}`,
      request_id,
    });
    expect(log.lines.find(({ level }) => level === "error")?.fields).toMatchObject({ request_id });
  });

  it("of dispatch itself is one too", async () => {
    const dispatch = () => Promise.reject(new TypeError("hunter2 is not a function"));
    const { response, log } = post('{"words":"a"}', JSON_TYPE, { dispatch });
    expect((await response).statusCode).toBe(500);
    expect((await response).body).not.toContain("hunter2");
    expect(log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
  });

  it("that will pass says when to come back, in whole seconds", async () => {
    const busy = await post('{"words":"busy"}').response;
    expect([busy.statusCode, busy.headers["retry-after"]]).toEqual([429, "2"]);
    const away = await post('{"words":"away"}').response;
    expect([away.statusCode, away.headers["retry-after"]]).toEqual([503, "5"]);
  });
});

describe("paths that lead nowhere", () => {
  it.each([
    ["GET", "/nowhere", 404, "not_found"],
    ["GET", "/api/v1/nowhere", 404, "not_found"],
    ["PUT", "/api/v1/ask", 404, "not_found"],
    ["GET", "/api/v1/runs/%zz", 400, "bad_request"],
  ] as const)("%s %s", async (method, url, status, code) => {
    const response = await createServer(createDesk().deps).inject({ method, url, headers: { ...bearer("ann"), "accept-language": "ko" } });
    expect(response.json()).toMatchObject({ status, code, title: `ko:problems.${code}` });
    expect(response.headers["x-request-id"]).toBeDefined();
  });
});

describe("what watches the process", () => {
  const get = (url: string, headers: Record<string, string> = LOCAL, overrides: Partial<HttpDeps> = {}) =>
    createServer(createDesk(overrides).deps).inject({ method: "GET", url, headers });
  const health = (...parts: Awaited<ReturnType<Health["check"]>>): Pick<HttpDeps, "health"> => ({ health: { check: async () => parts } });
  const FAR = { host: "0.0.0.0", sandbox: false };

  it("is told that it is alive, and where to look", async () => {
    expect((await get("/healthz", {}, FAR)).json()).toEqual({ status: "ok" });
    expect((await get("/", {}, FAR)).json()).toMatchObject({ commands: "/api/v1/commands" });
  });

  it("is not ready without database or queue, and degraded without anything else", async () => {
    expect((await get("/readyz")).json()).toMatchObject({ status: "ok", degraded: [] });
    const degraded = await get(
      "/readyz",
      LOCAL,
      health({ part: "queue", state: "degraded", note: "volatile" }, { part: "search", state: "down" }),
    );
    expect(degraded.statusCode).toBe(200);
    expect(degraded.json()).toMatchObject({ status: "degraded", degraded: ["queue", "search"], parts: [{ note: "volatile" }, {}] });
    const down = await get("/readyz", LOCAL, health({ part: "queue", state: "down" }));
    expect([down.statusCode, down.headers["retry-after"]]).toEqual([503, "5"]);
    const broken = await get("/readyz", LOCAL, { health: { check: () => Promise.reject(new Error("no")) } });
    expect(broken.statusCode).toBe(503);
  });

  it("tells details to people with a role alone", async () => {
    for (const headers of [{}, { authorization: "Bearer wrong" }, bearer("ivy")])
      expect((await get("/readyz", headers as Record<string, string>, FAR)).json()).toEqual({ status: "ok" });
    expect((await get("/readyz", bearer("vera"), FAR)).json()).toHaveProperty("parts");
    expect((await get("/readyz", { ...LOCAL, origin: "http://evil.example" })).json()).toEqual({ status: "ok" });
  });

  it("is given measures on loopback, or for a viewer's key", async () => {
    expect((await get("/metrics", LOCAL, { sandbox: false })).body).toBe("runs_total 0\n");
    expect((await get("/metrics", LOCAL, FAR)).statusCode).toBe(401);
    expect((await get("/metrics", bearer("ivy"), FAR)).statusCode).toBe(403);
    expect((await get("/metrics", bearer("vera"), FAR)).headers["content-type"]).toMatch(/^text\/plain; version=0.0.4/);
  });
});

describe("the language", () => {
  it.each([
    [undefined, "ru"],
    ["", "ru"],
    ["ko", "ko"],
    ["fr, ko-KR;q=0.8, en;q=0.9", "en"],
    ["KO", "ko"],
    ["kok", "ru"],
    ["en;q=0, *;q=0.1", "ru"],
    ["en;q=x", "ru"],
  ])("of %o is %s", (header, locale) => {
    expect(negotiateLocale(header, "ru")).toBe(locale);
  });
});

describe("a listening server", () => {
  const open: { close(): Promise<unknown> }[] = [];
  afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

  async function listen(overrides: Partial<HttpDeps> = {}) {
    const server = createServer(createDesk(overrides).deps);
    open.push(server);
    const url = await server.listen({ host: "127.0.0.1", port: 0 });
    return { server, url };
  }

  it("answers bytes that are no HTTP with a problem", async () => {
    const { url } = await listen();
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write("nonsense\r\n\r\n"));
      let words = "";
      socket
        .on("data", (data) => (words += data))
        .on("close", () => resolve(words))
        .on("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\nContent-Type: application\/problem\+json/);
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toMatchObject({ status: 400, code: "bad_request" });
  });

  it("says which part of a request was too large, also where it is the headers", async () => {
    const { url } = await listen();
    const response = await fetch(`${url}/api/v1/ask`, { method: "POST", headers: { "idempotency-key": "k".repeat(20_000) } });
    expect(await response.json()).toMatchObject({ status: 400, code: "bad_request", detail: "en:http.headers_too_large" });
  });

  it("closes while a client keeps its connection, after it has answered", async () => {
    let release = () => {};
    const started = new Promise<void>((resolve) => {
      release = resolve;
    });
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const metrics = async () => {
      release();
      await held;
      return "late 1\n";
    };
    const { server, url } = await listen({ metrics });
    await fetch(`${url}/healthz`);
    const late = fetch(`${url}/metrics`);
    await started;
    const closed = server.close();
    go();
    expect(await (await late).text()).toBe("late 1\n");
    await closed;
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });
});
