import { describe, expect, it } from "vitest";
import { OpsError } from "../../core/errors.ts";
import type { HttpDeps } from "../../http/deps.ts";
import { createServer } from "../../http/server.ts";
import { bearer, createDesk } from "./desk.ts";

const LOCAL = { host: "127.0.0.1:8080" };

function get(headers: Record<string, string>, overrides: Partial<HttpDeps> = {}, remoteAddress = "127.0.0.1") {
  const server = createServer(createDesk(overrides).deps);
  return server.inject({ method: "GET", url: "/api/v1/commands", headers, remoteAddress });
}

describe("in the sandbox on a loopback address, without a key", () => {
  it.each(["127.0.0.1", "127.0.0.1:8080", "localhost", "localhost:3000", "LOCALHOST:1", "[::1]:8080", "[::1]"])(
    "Host %s is let in",
    async (host) => {
      expect((await get({ host })).statusCode).toBe(200);
    },
  );

  it.each([
    ["a name that was rebound to this machine", { host: "evil.example:8080" }],
    ["a longer name", { host: "127.0.0.1.evil.example" }],
    ["a name with another before it", { host: "localhost@evil.example" }],
    ["a page elsewhere", { ...LOCAL, origin: "https://evil.example" }],
    ["a page at another port", { ...LOCAL, origin: "http://127.0.0.1:3000" }],
    ["a page of a file", { ...LOCAL, origin: "null" }],
    ["a browser that says cross-site", { ...LOCAL, "sec-fetch-site": "cross-site" }],
    ["a browser that says same-site", { ...LOCAL, "sec-fetch-site": "same-site" }],
  ])("%s is refused with 403", async (_, headers) => {
    const response = await get(headers as Record<string, string>);
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({ code: "forbidden", detail: "en:http.foreign_page" });
  });

  it.each([{ origin: "http://127.0.0.1:8080" }, { "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }])(
    "its own page is let in: %o",
    async (headers) => {
      expect((await get({ ...LOCAL, ...(headers as Record<string, string>) })).statusCode).toBe(200);
    },
  );

  it("acts as local", async () => {
    const { deps, runs } = createDesk();
    const response = await createServer(deps).inject({
      method: "POST",
      url: "/api/v1/commands/lamp_on",
      headers: LOCAL,
      payload: { room: "hall" },
    });
    expect((await runs.reader.get(response.json().run_id))?.identity).toBe("local");
  });
});

describe("everywhere else a key is needed", () => {
  it.each([
    ["without the sandbox", { sandbox: false }, "127.0.0.1"],
    ["on another address", { host: "0.0.0.0" }, "127.0.0.1"],
    ["from another machine", {}, "203.0.113.9"],
  ] as const)("%s: 401", async (_, overrides, remote) => {
    const response = await get(LOCAL, overrides, remote);
    expect(response.statusCode).toBe(401);
    expect(response.headers["www-authenticate"]).toBe("Bearer");
    expect(response.json()).toMatchObject({ status: 401, code: "unauthenticated", detail: "en:http.key_needed" });
  });

  it.each(["Bearer wrong", "Bearer", "Basic a2V5", "key-of-ann", "Bearer key-of-ann key-of-ann"])(
    "a wrong one is never taken for none: %s",
    async (authorization) => {
      expect((await get({ ...LOCAL, authorization })).statusCode).toBe(401);
    },
  );

  it("opens from anywhere, with any case of its scheme", async () => {
    const headers = { host: "desk.example", origin: "https://page.example", authorization: "bEARER key-of-vera" };
    expect((await get(headers, { sandbox: false, host: "0.0.0.0" }, "203.0.113.9")).statusCode).toBe(200);
  });

  it.each([
    ["ivy", "en:http.ingest_only role=viewer"],
    ["rex", "en:http.role_needed role=viewer"],
  ])("of %s may do nothing here", async (name, detail) => {
    const response = await get({ ...LOCAL, ...bearer(name) });
    expect(response.statusCode).toBe(403);
    expect(response.json().detail).toBe(detail);
  });

  it("and a store that is down is 503, not 401", async () => {
    const response = await get(bearer("ann"), { findKey: () => Promise.reject(new OpsError("unavailable", "down")) });
    expect(response.statusCode).toBe(503);
    expect(response.headers["retry-after"]).toBe("5");
  });
});

describe("wrong keys", () => {
  const guess = (count: number, server: ReturnType<typeof createServer>, remoteAddress: string) =>
    Promise.all(
      Array.from({ length: count }, (_, at) =>
        server.inject({ url: "/api/v1/runs", headers: { authorization: `Bearer guess-${at}` }, remoteAddress }),
      ),
    );

  it("are 20 a minute from one address; a right one is never held back", async () => {
    const { deps, runs, log } = createDesk({ sandbox: false, host: "0.0.0.0" });
    const server = createServer(deps);
    const statuses = (await guess(23, server, "203.0.113.9")).map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    const refused = (await guess(1, server, "203.0.113.9"))[0];
    expect(refused?.json()).toMatchObject({ status: 429, code: "rate_limited" });
    expect(Number(refused?.headers["retry-after"])).toBeGreaterThan(0);
    expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(JSON.stringify(log.lines)).not.toContain("guess-");
    const right = await server.inject({ url: "/api/v1/runs", headers: bearer("vera"), remoteAddress: "203.0.113.9" });
    expect(right.statusCode).toBe(200);
    expect((await guess(1, server, "203.0.113.10"))[0]?.statusCode).toBe(401);
    runs.clock.passes(60_001);
    expect((await guess(1, server, "203.0.113.9"))[0]?.statusCode).toBe(401);
  });

  it("are wrong also without the counter", async () => {
    const { deps } = createDesk({ ephemeral: { count: () => Promise.reject(new OpsError("unavailable", "away")) } });
    expect((await guess(1, createServer(deps), "203.0.113.9"))[0]?.statusCode).toBe(401);
  });

  it("count where they would tell something, too: on /readyz", async () => {
    const { deps } = createDesk();
    const server = createServer(deps);
    for (let at = 0; at < 20; at++) await server.inject({ url: "/readyz", headers: { authorization: `Bearer guess-${at}` } });
    expect((await server.inject({ url: "/api/v1/runs", headers: { authorization: "Bearer guess" } })).statusCode).toBe(429);
  });
});

describe("the person's side of the sandbox", () => {
  const mount = (overrides: Partial<HttpDeps> = {}) =>
    createServer(createDesk(overrides).deps, { person: async (scope) => void scope.post("/messages", async () => ({ update_id: 1 })) });
  const post = (headers: Record<string, string>, overrides?: Partial<HttpDeps>) =>
    mount(overrides).inject({ method: "POST", url: "/sandbox/messages", headers });

  it("is for the local admin, or an admin's key", async () => {
    expect((await post(LOCAL)).json()).toEqual({ update_id: 1 });
    expect((await post(bearer("ann"))).statusCode).toBe(200);
    expect((await post(bearer("olga"))).statusCode).toBe(403);
    expect((await post({ ...LOCAL, origin: "https://evil.example" })).statusCode).toBe(403);
  });

  it("is not there on another address", async () => {
    expect((await post(bearer("ann"), { host: "0.0.0.0" })).statusCode).toBe(404);
  });
});
