import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { startProgram } from "../../proof/process.ts";
import { type Finished, switchboard } from "../support/finished.ts";
import { expectSentence, send } from "../support/rest.ts";
import { useWorld } from "../support/shared-world.ts";
import { ROOT } from "../support/source.ts";

const world = useWorld();
const RUN_ID = /^[0-9a-z]{12}\n$/;

/** What was answered to a request is kept under its key, a refusal too. */
const besidesKeys = (table: string) => table !== "idempotency";

type Role = "viewer" | "operator" | "admin" | "ingest";
/** Types a line in a shell, with this role's key. */
const type = (role: Role, words: readonly string[], env: Record<string, string> = {}): Promise<Finished> =>
  switchboard(words, { SWITCHBOARD_URL: world.program().url, SWITCHBOARD_KEY: world.key(role), ...env });

/** Holds that nothing went to the output, and one sentence to the person. */
function expectRefused({ code, out, err }: Finished, exit: number, language = "en"): void {
  expect({ code, out }, err).toEqual({ code: exit, out: "" });
  expectSentence(err.trimEnd(), language);
}

it("is a program by itself: npx makes it one only when it first sees the folder", async () => {
  const program = path.join(ROOT, "dist/bin/switchboard.js");
  const { stdout } = await promisify(execFile)(program, [], { encoding: "utf8" });
  expect(stdout).toMatch(/^switchboard runs a command of the desk/);
});

describe("0: done", () => {
  it("at once, and by a worker, whose result is waited for", async () => {
    expect(await type("viewer", ["whoami"])).toEqual({ code: 0, out: "You are key:viewer\nRole: viewer\n", err: "" });
    const blocked = await type("operator", ["cf", "block", "203.0.113.7", "--reason", "brute force"]);
    expect(blocked).toMatchObject({ code: 0, err: "" });
    expect(blocked.out).toMatch(/^203.0.113.7 is blocked\n/);
    expect(blocked.out).toMatch(/Undo: switchboard cf_release 203.0.113.7\n/);
  });

  it("--no-wait prints the run's id alone, --json the whole outcome", async () => {
    const { code, out } = await type("operator", ["cf_search", "203.0.113.7", "--no-wait"]);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(RUN_ID) });
    const shown = await type("operator", ["--json", "run_show", out.trim()]);
    expect(JSON.parse(shown.out)).toMatchObject({ outcome: "done", output: { run_id: out.trim(), identity: "key:operator" } });
    const searched = await type("operator", ["cf_search", "203.0.113.99", "--json"]);
    expect(JSON.parse(searched.out)).toMatchObject({
      outcome: "done",
      status: "succeeded",
      output: { results: [{ status: "not_blocked" }] },
    });
  });

  it("help, without a server", async () => {
    for (const words of [[], ["help"], ["--help"], ["help", "cf_block"]])
      expect(await type("viewer", words, { SWITCHBOARD_URL: "http://127.0.0.1:1" })).toMatchObject({ code: 0, err: "" });
  });

  it("ask", async () => {
    expect(await type("viewer", ["ask", "whoami"])).toMatchObject({ code: 0, out: expect.stringMatching(/^You are key:viewer/) });
  });
});

describe("1: failed, unknown, or out of reach", () => {
  it.each(["en", "ko", "ru"])("no server, %s", async (language) => {
    expectRefused(await type("viewer", ["whoami"], { SWITCHBOARD_URL: "http://127.0.0.1:1", LANG: `${language}_XX.UTF-8` }), 1, language);
  });

  it("another server", async () => {
    expectRefused(await type("viewer", ["whoami"], { SWITCHBOARD_URL: `${world.platforms().program.url}/telegram` }), 1);
  });

  it("a run that fails, with its id; a protected address; a run that is not there", async () => {
    await world.platforms().fault({ target: "cloudflare", status: 403, times: 20 });
    const failed = await type("operator", ["cf_block", "203.0.113.8"]);
    await world.platforms().fault({ target: "cloudflare", times: 0 });
    expect(failed).toMatchObject({ code: 1, out: "" });
    const [sentence, id] = failed.err.trimEnd().split("\n");
    expectSentence(sentence, "en");
    expect(id).toMatch(/^Run: [0-9a-z]{12}$/);
    expectRefused(await type("operator", ["cf_block", "10.0.0.1"]), 1);
    expectRefused(await type("viewer", ["run_show", (id ?? "").replace("Run: ", "")]), 1);
  });
});

describe("2: usage", () => {
  it.each([
    [["blok", "203.0.113.7"]],
    [["quux"]],
    [["block"]],
    [["block", "999.1.1.1"]],
    [["block", "😀"]],
    [["block", "203.0.113.7", "--raeson", "x"]],
    [["block", "203.0.113.7", "--reason"]],
    [["run_show", "x"]],
    [["ask"]],
    [["ask", "x".repeat(20_000)]],
  ])("%j, in three languages and with no change", async (words) => {
    const changed = await world.changes(async () => {
      const refuse = async (language: string) =>
        expectRefused(await type("operator", words, { LC_ALL: `${language}_XX.UTF-8` }), 2, language);
      await Promise.all(["en", "ko", "ru"].map(refuse));
    });
    expect(changed.filter(besidesKeys)).toEqual([]);
  });

  it("what is asked, and what is suggested", async () => {
    expect(await type("operator", ["ask", "block"])).toMatchObject({ code: 2, out: "", err: expect.stringMatching(/^Which IP address/) });
    expect(await type("operator", ["ask", "blok"])).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(/ {2}switchboard cf_block\n$/),
    });
  });

  it("settings that cannot be used", async () => {
    expectRefused(await type("viewer", ["whoami"], { SWITCHBOARD_URL: "ftp://desk" }), 2);
    expectRefused(await type("viewer", ["whoami"], { SWITCHBOARD_KEY: "two words" }), 2);
  });
});

describe("3: needs confirmation", () => {
  it("and --yes gives it", async () => {
    const words = ["grant", "telegram:950", "admin"];
    const asked = await world.changes(async () => {
      const question = await type("admin", words);
      expect(question).toMatchObject({ code: 3, out: "", err: expect.stringMatching(/^Really run grant\?[\s\S]*--yes/) });
      expect(JSON.parse((await type("admin", [...words, "--json"])).out)).toMatchObject({ outcome: "confirm", token: expect.any(String) });
    });
    expect(asked.filter(besidesKeys)).toEqual(["audit", "conversations"]);
    expect(await type("admin", [...words, "--yes"])).toMatchObject({ code: 0, out: expect.stringMatching(/^telegram:950 is now admin/) });
  });
});

describe("4: not allowed", () => {
  it("below the role, with a key for events, with a wrong key and without one", async () => {
    expectRefused(await type("viewer", ["block", "203.0.113.7"]), 4);
    expectRefused(await type("viewer", ["block", "203.0.113.7", "--yes"], { LANG: "ko_KR.UTF-8" }), 4, "ko");
    expectRefused(await type("ingest", ["whoami"]), 4);
    for (const SWITCHBOARD_KEY of ["a-wrong-key-of-some-length", ""])
      expectRefused(await type("admin", ["whoami"], { SWITCHBOARD_KEY }), 4);
    const json = await type("viewer", ["block", "203.0.113.7", "--json"]);
    expect([json.code, JSON.parse(json.out)]).toMatchObject([4, { outcome: "failed", code: "forbidden" }]);
  });
});

describe("keys create", () => {
  const create = (words: readonly string[], env: Readonly<Record<string, string>> = world.env()) =>
    switchboard(["keys", "create", ...words], env);

  it.each([
    [[]],
    [["--name", "a"]],
    [["--name", "a", "--role", "king"]],
    [["--name", "admin", "--role", "admin"]],
    [["--name", "a b", "--role", "viewer"]],
    [["--name", "a", "--role", "viewer", "--colour", "red"]],
    [["again", "--name", "a", "--role", "viewer"]],
  ])("%j is 2 and makes none", async (words) => {
    const changed = await world.changes(async () => expect(await create(words)).toMatchObject({ code: 2, out: "" }));
    expect(changed).toEqual([]);
  });

  it("a name that is taken is 1, and so is a database that is not there", async () => {
    const taken = await create(["--name", "viewer", "--role", "admin"]);
    expect(taken).toMatchObject({ code: 1, out: "", err: expect.stringMatching(/^[^\n]*choose another name\n$/i) });
    const env = { DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/x", SECRET_KEY: "0".repeat(64) };
    expect(await create(["--name", "b", "--role", "viewer"], env)).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/^[^\n]*cannot be reached[^\n]*\n$/),
    });
  });

  it("says that it does not go over SWITCHBOARD_URL, instead of making a database for nobody", async () => {
    const DATA_DIR = path.join(tmpdir(), `switchboard-nobody-${process.pid}`);
    const made = await create(["--name", "a", "--role", "viewer"], { DATA_DIR, SWITCHBOARD_URL: "http://127.0.0.1:1" });
    expect(made).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/^keys are made on the database itself.*DATA_DIR or DATABASE_URL\n$/),
    });
    expect(existsSync(DATA_DIR)).toBe(false);
  });

  it("works on the embedded database, stopped or running, and the key is good at once", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "switchboard-keys-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const DATA_DIR = path.join(folder, "data");
    const whileStopped = await create(["--name", "early", "--role", "viewer"], { DATA_DIR });
    const says = `it is good at the Switchboard on the database in ${DATA_DIR}.`;
    expect(whileStopped).toMatchObject({ code: 0, out: expect.stringMatching(/^sb_[\w-]{43}\n$/), err: expect.stringContaining(says) });
    const program = await startProgram("bin/switchboard.js", { args: ["serve"], env: { DATA_DIR, PORT: "0" } });
    onTestFinished(() => program.kill());
    const whileRunning = await create(["--name", "late", "--role", "operator"], { DATA_DIR });
    for (const [made, role] of [
      [whileStopped, "viewer"],
      [whileRunning, "operator"],
    ] as const) {
      const got = await send(`${program.url}/api/v1/commands/whoami`, { key: made.out.trim(), body: {} });
      expect(got.json).toMatchObject({ output: { role } });
    }
    expect(await program.stop()).toBe(0);
  });
});
