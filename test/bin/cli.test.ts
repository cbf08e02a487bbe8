import { readFileSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { CliDeps } from "../../bin/cli/deps.ts";
import { runCli } from "../../bin/cli/run-cli.ts";
import { text } from "../../core/reply.ts";
import type { RunEnd } from "../../core/run.ts";
import { createServer } from "../../http/server.ts";
import { createDesk, shownTexts, smallRegistry } from "../http/desk.ts";

const servers: { close(): Promise<unknown> }[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** What `fetch` throws where nobody listens. */
const refused = () => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" });
const OFFLINE: typeof fetch = () => Promise.reject(new TypeError("fetch failed", { cause: refused() }));

/** A server that takes the request and cuts the connection, before or in the midst of its answer. */
async function cutting(answer: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A shell in which `switchboard` is typed. */
async function shell(deps: Partial<CliDeps> & { readonly tty?: boolean }, argv: readonly string[]) {
  let out = "";
  let err = "";
  const world: CliDeps = {
    env: {},
    stdout: { write: (words) => (out += words) },
    stderr: { write: (words) => (err += words), isTTY: deps.tty ?? false },
    fetch: OFFLINE,
    readFile: (path) => readFileSync(path, "utf8"),
    registry: smallRegistry(),
    texts: shownTexts,
    zone: "UTC",
    sleep: async () => {},
    ...deps,
  };
  const code = await runCli(argv, world);
  return { code, out, err };
}

/** A shell before a listening desk, as somebody; queued runs end at the first look after the first wait. */
async function online(
  name: string,
  argv: readonly string[],
  options: { end?: Omit<RunEnd, "reply">; env?: Record<string, string>; tty?: boolean } = {},
) {
  const { deps, runs } = createDesk();
  const server = createServer(deps);
  servers.push(server);
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const waits: number[] = [];
  const end = options.end ?? { status: "succeeded" as const, output: { room: "hall" }, error: null };
  const sleep = async (ms: number) => {
    waits.push(ms);
    if (waits.length < 3) return;
    for (const { run_id } of await runs.reader.list({ limit: 9 })) await runs.end(run_id, end);
  };
  const env = { SWITCHBOARD_URL: `${url}/`, SWITCHBOARD_KEY: `key-of-${name}`, ...options.env };
  const result = await shell({ env, fetch, sleep, tty: options.tty ?? false }, argv);
  return { ...result, waits, runs };
}

describe("without a server", () => {
  it.each([[[]], [["help"]], [["--help"]], [["-h"]]])("%o explains itself", async (argv) => {
    const { code, out, err } = await shell({}, argv);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^ {2}say_again {2}Repeats words$/m);
    expect(out).toContain("en:cli.help.settings");
  });

  it.each([[["help", "lamp"]], [["lamp", "on", "--help"]]])("%o explains a command", async (argv) => {
    const { code, out } = await shell({}, argv);
    expect(code).toBe(0);
    expect(out).toContain("  switchboard lamp_on <room>");
    expect(out).toContain("  switchboard lamp on hall");
  });

  it.each([
    [["lmap", "hall"], /cli.unknown_command_nearest .*commands=lamp_on/],
    [["quux"], /cli.unknown_command asked=quux/],
    [["help", "quux"], /cli.unknown_command/],
    [["lamp"], /cli.missing fields=room usage=switchboard lamp_on <room>/],
    [["lamp", "hall", "--colour", "red"], /parse.unknown_flag/],
    [["again", "hi", "--times", "99"], /parse.too_big/],
    [["ask"], /cli.ask_what/],
  ])("%o is refused at once, with 2", async (argv, sentence) => {
    const { code, out, err } = await shell({}, argv);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(sentence);
  });

  it("a command says in one sentence how to start one", async () => {
    const { code, err } = await shell({ env: { LANG: "ko_KR.UTF-8" } }, ["lamp", "hall"]);
    expect({ code, err }).toEqual({ code: 1, err: "ko:cli.unreachable url=http://127.0.0.1:8080\n" });
  });

  it.each(["http://localhost:1", "http://127.0.0.1:9", "http://nowhere.invalid"])("that is a real one, too: %s", async (url) => {
    const { code, err } = await shell({ fetch, env: { SWITCHBOARD_URL: url } }, ["lamp", "hall"]);
    expect({ code, err }).toEqual({ code: 1, err: `en:cli.unreachable url=${url}\n` });
  });

  it.each([
    ["before the answer", ""],
    ["in the midst of it", "HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"],
  ])("a connection that breaks %s is no missing server: the run may have been accepted", async (_, answer) => {
    const url = await cutting(answer);
    const { code, err } = await shell({ fetch, env: { SWITCHBOARD_URL: url } }, ["lamp", "hall"]);
    expect({ code, err }).toEqual({ code: 1, err: `en:cli.broken url=${url}\n` });
  });

  it("a connection that breaks once is no matter: what was asked is sent again under its key, and done once", async () => {
    const { deps, runs } = createDesk();
    const server = createServer(deps);
    servers.push(server);
    const url = await server.listen({ host: "127.0.0.1", port: 0 });
    const keys: (string | null)[] = [];
    // The server has taken it, and its answer is lost.
    const losing: typeof fetch = async (...request) => {
      keys.push(new Headers(request[1]?.headers).get("idempotency-key"));
      const response = await fetch(...request);
      if (keys.length === 1)
        throw new TypeError("fetch failed", { cause: Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }) });
      return response;
    };
    const env = { SWITCHBOARD_URL: url, SWITCHBOARD_KEY: "key-of-olga" };
    const { code, out } = await shell({ fetch: losing, env }, ["lamp", "hall", "--no-wait"]);
    expect(code).toBe(0);
    expect(keys).toEqual([keys[0], keys[0]]);
    expect((await runs.reader.list({ limit: 9 })).map(({ run_id }) => run_id)).toEqual([out.trim()]);
  });

  it("a server that breaks off and is gone then may have accepted it", async () => {
    let calls = 0;
    const dying: typeof fetch = () => (calls++ === 0 ? Promise.reject(new TypeError("fetch failed")) : OFFLINE("http://desk"));
    expect(await shell({ fetch: dying }, ["lamp", "hall"])).toMatchObject({ code: 1, err: expect.stringContaining("cli.broken") });
    expect(calls).toBe(2);
  });

  it.each([
    [{ SWITCHBOARD_URL: "ftp://desk" }, "en:cli.bad_url\n"],
    [{ SWITCHBOARD_KEY: "two words" }, "en:cli.bad_key\n"],
  ])("a setting that cannot be used is named: %o", async (env, err) => {
    expect(await shell({ env }, ["lamp", "hall"])).toMatchObject({ code: 2, err });
  });

  it("what answers in its place is told apart", async () => {
    const answers = (body: string) => shell({ fetch: async () => new Response(body) }, ["lamp", "hall"]);
    expect(await answers("<html>")).toMatchObject({ code: 1, err: expect.stringContaining("cli.not_switchboard") });
    expect(await answers('{"a":1}')).toMatchObject({ code: 1, err: expect.stringContaining("cli.strange_answer") });
  });
});

describe("a command", () => {
  it("that is done at once prints its reply", async () => {
    expect(await online("vera", ["say", "again", "--times=2", "hey you"])).toMatchObject({ code: 0, out: "hey you hey you\n", err: "" });
    expect(await online("vera", ["again", "--", "--json"])).toMatchObject({ out: "--json\n" });
  });

  it("cannot drive the terminal", async () => {
    const title = "\u001b[31mred\u0007";
    const body = { outcome: "done", output: null, reply: { tone: "ok", title } };
    expect(await shell({ fetch: async () => Response.json(body) }, ["again", "x"])).toMatchObject({ out: "[31mred\n" });
  });

  it("that is queued is waited for, ever slower, and presented in the shell's language", async () => {
    const { code, out, err, waits } = await online("olga", ["lamp", "hall"], { env: { LANG: "C", LC_ALL: "ru_RU.UTF-8" } });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe("ru:lamp.lit room=hall\nroom: hall\nru:reply.undo: switchboard lamp off hall\n");
    expect(waits).toEqual([100, 150, 225]);
  });

  it("shows on a terminal that it waits", async () => {
    const { err } = await online("olga", ["lamp", "hall"], { tty: true });
    expect(err).toContain("en:cli.waiting run_id=");
    expect(err.endsWith("\r\u001b[2K")).toBe(true);
  });

  it("--no-wait prints the run's id", async () => {
    const { code, out, waits, runs } = await online("olga", ["lamp", "hall", "--no-wait"]);
    expect({ code, waits }).toEqual({ code: 0, waits: [] });
    expect(await runs.reader.get(out.trim())).toMatchObject({ status: "accepted" });
  });

  it("--json prints outcomes, and failures too", async () => {
    expect(JSON.parse((await online("vera", ["again", "hi", "--json"])).out)).toMatchObject({ outcome: "done", output: { said: "hi" } });
    const run = await online("olga", ["--json", "lamp", "hall"]);
    expect(JSON.parse(run.out)).toMatchObject({ outcome: "done", status: "succeeded", output: { room: "hall" } });
    const refused = await online("vera", ["lamp", "hall", "--json"]);
    expect(JSON.parse(refused.out)).toMatchObject({ outcome: "failed", code: "forbidden" });
  });

  it.each(["failed", "unknown"] as const)("that ends as %s is 1, with the reason", async (status) => {
    const end = { status, output: null, error: { code: "timeout" as const, text: text("errors.timeout") } };
    expect(await online("olga", ["lamp", "hall"], { end })).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/^en:errors.timeout\n/),
    });
  });

  it("that is dangerous is asked first; --yes gives the confirmation", async () => {
    const asked = await online("olga", ["lamp", "cellar"]);
    expect(asked).toMatchObject({ code: 3, out: "", err: expect.stringContaining("en:confirm.question") });
    expect(asked.err).toContain("en:cli.confirm_hint");
    expect(await online("olga", ["lamp", "cellar", "--yes"])).toMatchObject({ code: 0, out: expect.stringContaining("lamp.lit") });
  });

  it("without the right is 4", async () => {
    expect(await online("vera", ["lamp", "hall"])).toMatchObject({ code: 4, out: "" });
    expect(await online("nobody", ["lamp", "hall"])).toMatchObject({ code: 4, err: "en:http.key_wrong\n" });
  });

  it("whose run is lost sight of is 1, and names it", async () => {
    let calls = 0;
    const answer = { outcome: "queued", run_id: "r1", status_url: "/api/v1/runs/r1" };
    const gone: typeof fetch = async () => (calls++ === 0 ? Response.json(answer) : Promise.reject(new TypeError("fetch failed")));
    expect(await shell({ fetch: gone }, ["lamp", "hall"])).toMatchObject({ code: 1, err: "en:cli.lost run_id=r1\n" });
    expect(calls).toBe(11);
  });
});

describe("ask", () => {
  it("runs a line as in a chat", async () => {
    expect(await online("vera", ["ask", "again hey"])).toMatchObject({ code: 0, out: "hey\n" });
    expect(await online("olga", ["ask", "lamp", "cellar", "--yes"])).toMatchObject({ code: 0 });
  });

  it("is 2 where something is asked or suggested", async () => {
    expect(await online("vera", ["ask", "say again"])).toMatchObject({ code: 2, err: expect.stringContaining("ask.say_again.words") });
    const suggested = await online("vera", ["ask", "agian hey"]);
    expect(suggested).toMatchObject({ code: 2, err: expect.stringMatching(/^ {2}switchboard say_again$/m) });
  });
});
