import { beforeAll, describe, expect, it } from "vitest";
import { type Program, startProgram, until } from "../../proof/process.ts";
import { expectProblem, expectSentence, type Sent, send } from "../support/rest.ts";
import { useWorld } from "../support/shared-world.ts";

const world = useWorld();
let other: Program;
beforeAll(async () => {
  other = await startProgram("bin/switchboard.js", { args: ["serve"], env: { ...world.env(), ROLES: "http" } });
  // A bot may write only to those who have written to it.
  for (const person of [1001, 1002, 1003]) await world.say(person, "/whoami");
  return () => other.kill();
});

type Role = "viewer" | "operator" | "admin" | "ingest";
const ask = (role: Role, method: string, path: string, sent: Sent = {}, program = world.program()) =>
  send(`${program.url}/api/v1${path}`, { method, key: world.key(role), ...sent });

const form = (body: string): Sent => ({ body, headers: { "content-type": "application/x-www-form-urlencoded" } });
const blocked = async () => (await world.platforms().rules()).map((rule) => rule.configuration.value);

/** Waits for a message of the bot in a chat. */
const heard = (chat: number, words: RegExp) =>
  until(`chat ${chat} hears ${words}`, async () => (await world.platforms().messages(chat)).find(({ text }) => words.test(text)));

describe("what the infra service's clients do", () => {
  it("block by form, search by query, release by JSON: 202, and the chat gets each result", async () => {
    const block = await ask("operator", "POST", "/cf/block", form("ip=203.0.113.60&chat_id=1001"));
    expect(block).toMatchObject({ status: 202, json: { message: "successfully received the block request of ip 203.0.113.60." } });
    expect(block.json["run_id"]).toMatch(/^[0-9a-z]{12}$/);
    await heard(1001, /203\.0\.113\.60 is blocked/);
    expect(await blocked()).toContain("203.0.113.60");
    const search = await ask("viewer", "GET", "/cf/search?ip=203.0.113.60&chat_id=1002");
    expect(search).toMatchObject({ status: 202, json: { message: "successfully received the search request of ip 203.0.113.60." } });
    await heard(1002, /203\.0\.113\.60/);
    const release = await ask("operator", "POST", "/cf/release", { body: { ip: "203.0.113.60", chat_id: 1003 } });
    expect(release).toMatchObject({ status: 202, json: { message: "successfully received the release request of ip 203.0.113.60." } });
    await heard(1003, /203\.0\.113\.60/);
    await until("the rule is gone", async () => !(await blocked()).includes("203.0.113.60"));
  });

  it("the same request at the same moment to two servers is one run while it is open, and a new one after it", async () => {
    await world.platforms().fault({ target: "cloudflare", method: "POST /zones", delay_ms: 1_500, times: 1 });
    const same = form("ip=203.0.113.61&chat_id=1001");
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, at) => ask("operator", "POST", "/cf/block", same, at % 2 ? world.program() : other)),
    );
    expect(all.map(({ status }) => status)).toEqual(Array(10).fill(202));
    const ids = new Set(all.map(({ json }) => json["run_id"]));
    expect(ids.size).toBe(1);
    const [run_id] = ids;
    expect((await ask("operator", "POST", "/cf/block", form("ip=203.0.113.61&chat_id=1002"))).json["run_id"]).not.toBe(run_id);
    await until("the run is done", async () => (await ask("operator", "GET", `/runs/${run_id}`)).json["status"] === "succeeded");
    expect((await ask("operator", "POST", "/cf/block", same)).json["run_id"]).not.toBe(run_id);
    expect((await blocked()).filter((ip) => ip === "203.0.113.61")).toHaveLength(1);
  });
});

describe("what is refused", () => {
  beforeAll(() => world.settled());

  it.each<[string, string, string, string[]]>([
    ["POST", "/cf/block", "", ["ip", "chat_id"]],
    ["POST", "/cf/block", "ip=999.1.1.1&chat_id=1001", ["ip"]],
    ["POST", "/cf/block", "ip=1.1.1.1+foo&chat_id=", ["ip", "chat_id"]],
    ["POST", "/cf/release", "ip=203.0.113.7", ["chat_id"]],
    ["POST", "/cf/release", "chat_id=1001", ["ip"]],
    ["POST", "/cf/block", "ip=203.0.113.7&chat_id=DROP TABLE", ["chat_id"]],
    ["POST", "/cf/block", "ip=203.0.113.7&ip=203.0.113.8&chat_id=1001", ["ip"]],
    ["POST", "/cf/block?ip=203.0.113.8", "ip=203.0.113.7&chat_id=1001", ["ip"]],
  ])("%s %s %s is 400, names %j and changes nothing", async (method, path, body, paths) => {
    const changed = await world.changes(async () => {
      for (const language of ["en", "ko", "ru"]) {
        const { headers = {}, ...sent } = form(body);
        const got = await ask("operator", method, path, { ...sent, headers: { ...headers, "accept-language": language } });
        expectProblem(got, 400, "bad_request");
        expectSentence(got.json["detail"], language);
        expect((got.json["errors"] as { path: string }[]).map((issue) => issue.path)).toEqual(paths);
      }
    });
    expect(changed).toEqual([]);
  });

  it("a protected address is refused at once", async () => {
    const got = await ask("operator", "POST", "/cf/block", form("ip=10.0.0.1&chat_id=1001"));
    expectProblem(got, 422, "protected_address");
    expectSentence(got.json["detail"], "en");
  });

  it("below the role, without a role, and without a key", async () => {
    for (const path of ["/cf/block", "/cf/release"]) expectProblem(await ask("viewer", "POST", path), 403, "forbidden");
    expectProblem(await ask("ingest", "GET", "/cf/search?ip=203.0.113.7&chat_id=1"), 403, "forbidden");
    expectProblem(await send(`${world.program().url}/api/v1/cf/block`, { method: "POST" }), 401, "unauthenticated");
  });

  it("other methods and types", async () => {
    expect((await ask("operator", "GET", "/cf/block?ip=203.0.113.7&chat_id=1")).status).toBe(404);
    const multipart = { body: "--x--", headers: { "content-type": "multipart/form-data; boundary=x" } };
    expectProblem(await ask("operator", "POST", "/cf/block", multipart), 415, "unsupported_media_type");
    expectProblem(await ask("operator", "POST", "/cf/block", form(`ip=${"1".repeat(1_100_000)}`)), 413, "too_large");
  });
});
