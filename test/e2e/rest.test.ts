import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Program, startProgram, until } from "../../proof/process.ts";
import { expectProblem, expectSentence, type Got, type Sent, send } from "../support/rest.ts";
import { secretsOf, useWorld } from "../support/shared-world.ts";

const world = useWorld();
const seen: Got[] = [];
/** Cloudflare holds every answer back for so long, in milliseconds: longer than fifty requests take. */
const SLOW_MS = 20_000;

async function ask(role: "viewer" | "operator" | "admin" | null, path: string, sent: Sent = {}): Promise<Got> {
  const got = await send(`${world.program().url}${path}`, { ...sent, ...(role !== null && { key: world.key(role) }) });
  seen.push(got);
  return got;
}

/** Says bytes to the server and reads until it hangs up. */
function say(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes));
    let words = "";
    socket.setEncoding("utf8").on("data", (data: string) => (words += data));
    socket.on("close", () => resolve(words)).on("error", reject);
  });
}

describe("paths and methods", () => {
  it.each([
    ["GET", "/nowhere", 404],
    ["GET", "/api/v1", 404],
    ["GET", "/API/v1/runs", 404],
    ["GET", "//api/v1/runs", 404],
    ["GET", "/api/v1%2fruns", 404],
    ["GET", "/api/v1/runs;x=1", 404],
    ["GET", "/api/v1/commands/whoami", 404],
    ["PUT", "/api/v1/commands/whoami", 404],
    ["OPTIONS", "/api/v1/commands/whoami", 404],
    ["POST", "/api/v1/runs", 404],
    ["GET", "/api/v1/confirmations/abc", 404],
    ["POST", "/healthz", 404],
    ["POST", `/api/v1/commands/${"a".repeat(300)}`, 404],
    ["POST", "/api/v1/commands/constructor", 404],
    ["POST", "/api/v1/commands/%00", 404],
    ["GET", "/api/v1/runs/%zz", 400],
    ["GET", "/api/v1/runs/..%2f..%2fetc%2fpasswd", 404],
    ["GET", "/sandbox", 404],
  ])("%s %s is %d", async (method, path, status) => {
    const got = await ask("admin", path, { method });
    expectProblem(got, status);
    expectSentence(got.json["detail"], "en");
  });

  it("HEAD has the headers of GET and no body", async () => {
    for (const [path, status] of [
      ["/healthz", 200],
      ["/api/v1/runs", 200],
      ["/nowhere", 404],
    ] as const) {
      expect(await ask("viewer", path, { method: "HEAD" })).toMatchObject({ status, text: "" });
    }
  });

  it.each([
    ["no HTTP", "nonsense\r\n\r\n"],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"],
    ["a length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["an unknown method", "FOO / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a header of 20,000 characters", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(20_000)}\r\n\r\n`],
    ["a header with a NUL", "GET / HTTP/1.1\r\nHost: a\r\nX: a\u0000b\r\n\r\n"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("%s is answered with 400 and hung up on", async (_, bytes) => {
    const [head = "", body = ""] = (await say(world.program().url, bytes)).split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1.1 400 .*\r\nContent-Type: application\/problem\+json/);
    expect(JSON.parse(body)).toMatchObject({ status: 400, code: "bad_request", request_id: expect.any(String) });
    expectSentence(JSON.parse(body).detail, "en");
  });

  it("absurd headers harm nothing", async () => {
    const headers = {
      "accept-language": `${"ko;q=0.5,".repeat(1_000)}ru;q=Infinity`,
      "x-forwarded-for": "127.0.0.1",
      "x-request-id": "mine",
      cookie: "a=b",
    };
    const got = await ask("viewer", "/api/v1/runs/none", { headers });
    expectProblem(got, 404, "not_found");
    expect(got.headers.get("x-request-id")).not.toBe("mine");
  });
});

describe("GET /api/v1/runs", () => {
  const page = async (query: string) => {
    const { runs, next_cursor } = (await ask("operator", `/api/v1/runs?${query}`)).json as {
      runs: { run_id: string; created_at: string; status: string }[];
      next_cursor: string | null;
    };
    return { runs, next_cursor };
  };

  it("goes through all of them once, newest first", async () => {
    for (let at = 1; at <= 5; at++)
      expect((await ask("operator", "/api/v1/commands/cf_search", { body: { ip: `203.0.113.${at}` } })).status).toBe(202);
    const found: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { runs, next_cursor } = await page(`limit=2&command=cf_search&cursor=${cursor}`);
      found.push(...runs.map(({ created_at, run_id }) => `${created_at} ${run_id}`));
      cursor = next_cursor;
    }
    expect(found).toHaveLength(5);
    expect(found).toEqual([...new Set(found)].sort().reverse());
    await until("all are done", async () => (await page("status=succeeded&command=cf search")).runs.length === 5);
    expect((await page("status=failed")).runs).toEqual([]);
  });

  const forged = (...position: unknown[]) => Buffer.from(JSON.stringify(position)).toString("base64url");
  it.each([
    "abc",
    forged("2026-13-01T00:00:00Z", "a"),
    forged("0000-01-01T00:00:00Z", "a"),
    forged("2026-01-01T00:00:00Z", "'; DROP TABLE runs; --"),
    forged("2026-01-01T00:00:00Z"),
    forged({ a: 1 }, 2),
    "a".repeat(301),
  ])("a cursor that is none of ours is refused: %s", async (cursor) => {
    const got = await ask("operator", `/api/v1/runs?cursor=${cursor}`);
    expectProblem(got, 422, "invalid_input");
    expectSentence(got.json["detail"], "en");
  });

  it("a cursor of one caller shows another no more than their own", async () => {
    const { next_cursor } = await page("limit=1");
    expect((await ask("viewer", `/api/v1/runs?cursor=${next_cursor}`)).json).toEqual({ runs: [], next_cursor: null });
  });

  it.each(["status=none", "status=failed&status=failed", "limit=0", "limit=201", "limit=x", "foo=1", "__proto__=1", "command=%00"])(
    "?%s is refused",
    async (query) => {
      const got = await ask("operator", `/api/v1/runs?${query}`);
      expectProblem(got, 422, "invalid_input");
      expectSentence(got.json["detail"], "en");
    },
  );
});

describe("too much", () => {
  it("the 51st open run is 429, says when to come back, and is not stored; others go on", async () => {
    const search = (role: "operator" | "viewer") => ask(role, "/api/v1/commands/cf_search", { body: { ip: "203.0.113.9" } });
    await world.platforms().fault({ target: "cloudflare", delay_ms: SLOW_MS, times: 1_000 });
    for (let at = 1; at <= 50; at++) expect((await search("operator")).status).toBe(202);
    const refused = await search("operator");
    expectProblem(refused, 429, "rate_limited");
    expectSentence(refused.json["detail"], "en");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await ask("operator", "/api/v1/runs?limit=200&command=cf_search")).json["runs"]).toHaveLength(55);
    expect((await search("viewer")).status).toBe(202);
    await world.platforms().fault({ target: "cloudflare", times: 0 });
  });
});

describe("every answer", () => {
  it("has an id of its own, and no secret in it", () => {
    const ids = seen.map(({ headers }) => headers.get("x-request-id"));
    expect(new Set(ids).size).toBe(seen.length);
    const said = seen.map(({ text, headers }) => text + JSON.stringify([...headers])).join("\n");
    for (const secret of secretsOf(world)) expect(said.includes(secret)).toBe(false);
    expect(said).not.toMatch(/node_modules|\\n {4}at /);
  });
});

describe("in the sandbox, without a key", () => {
  let sandbox: Program;
  beforeAll(async () => {
    const { DATABASE_URL = "", SECRET_KEY = "", DATA_DIR = "" } = world.env();
    sandbox = await startProgram("bin/switchboard.js", {
      args: ["serve"],
      env: { DATABASE_URL, SECRET_KEY, DATA_DIR: `${DATA_DIR}-sandbox`, PORT: "0", ROLES: "http" },
    });
  });
  afterAll(() => sandbox.kill());

  const paths = ["/api/v1/runs", "/sandbox", "/sandbox/telegram/messages?chat_id=1", "/sandbox/cloudflare/rules", "/sandbox/nowhere"];
  const own = () => `127.0.0.1:${new URL(sandbox.url).port}`;

  it.each(paths.slice(0, -1))("%s is open to this machine", async (path) => {
    expect(await send(sandbox.url + path)).toMatchObject({ status: 200 });
    expect(await send(sandbox.url + path, { headers: { "sec-fetch-site": "same-origin" } })).toMatchObject({ status: 200 });
  });

  it.each(paths)("%s is closed to a page or a name elsewhere", async (path) => {
    const foreign: Record<string, string>[] = [
      ...["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:3000"].map((origin) => ({ Origin: origin })),
      ...["cross-site", "same-site", "anything"].map((site) => ({ "Sec-Fetch-Site": site })),
      ...["evil.example", "127.0.0.1.evil.example", "0.0.0.0", "127.1", ""].map((host) => ({ Host: host })),
    ];
    for (const headers of foreign) {
      const lines = Object.entries({ Host: own(), Connection: "close", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
      const [head = "", body = ""] = (await say(sandbox.url, `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`)).split("\r\n\r\n");
      expect(head, JSON.stringify(headers)).toMatch(/^HTTP\/1.1 403 /);
      expectSentence(JSON.parse(body).detail, "en");
    }
  });

  it.each(paths)("%s takes no wrong key for none", async (path) => {
    for (const authorization of ["Bearer wrong", "Bearer", "Basic bG9jYWw6", "", "Bearer a b"])
      expectProblem(await send(sandbox.url + path, { headers: { authorization } }), 401, "unauthenticated");
  });

  it("a page elsewhere cannot say anything as an admin", async () => {
    const body = { chat_id: 1001, from: { id: 1001, username: "admin" }, text: "/block 203.0.113.7" };
    for (const type of ["application/json", "text/plain"])
      expectProblem(
        await send(`${sandbox.url}/sandbox/telegram/messages`, { body, headers: { origin: "http://evil.example", "content-type": type } }),
        403,
        "forbidden",
      );
    expect((await send(`${sandbox.url}/sandbox/calls?emulator=telegram`)).json["calls"]).toEqual([]);
  });
});
