import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Program, startProgram, until } from "../../proof/process.ts";
import { type Finished, switchboard } from "../support/finished.ts";
import { usePostgres } from "../support/postgres.ts";
import { useRedis } from "../support/redis.ts";
import { send } from "../support/rest.ts";
import { ADMIN_KEY, toUrl } from "../support/world.ts";

const SECRET_KEY = "0".repeat(64);
const ZONE = "0".repeat(32);
const SECRET = "hunter2-is-a-secret";
const postgres = usePostgres();
let folder = "";
/** Something else that listens. */
let other: Server;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "switchboard-settings-"));
  other = createServer((_request, response) => response.end()).listen(0, "127.0.0.1");
});
afterAll(async () => {
  other.close();
  await rm(folder, { recursive: true, force: true });
});

const takenPort = () => String((other.address() as AddressInfo).port);
const serve = (env: Record<string, string>) => switchboard(["serve"], { PORT: "0", DATA_DIR: path.join(folder, "data"), ...env });

async function start(env: Record<string, string>): Promise<Program> {
  const program = await startProgram("bin/switchboard.js", {
    args: ["serve"],
    env: { PORT: "0", DATA_DIR: path.join(folder, "data"), ...env },
  });
  onTestFinished(() => program.kill());
  return program;
}

/** One line, and not a word of what may be secret. */
function expectOneLine({ code, out, err }: Finished, expected: { code: number; says: RegExp }): void {
  expect({ code, out }, err).toEqual({ code: expected.code, out: "" });
  expect(err).toMatch(/^[^\n]+\n$/);
  expect(err).toMatch(expected.says);
  expect(err).not.toContain(SECRET);
}

describe("a wrong setting ends the start with 78 and one line that names it", () => {
  it.each<[variable: string, value: string, besides?: Record<string, string>]>([
    ["HOST", "http://127.0.0.1"],
    ["PORT", "65536"],
    ["ROLES", "http,cooks"],
    ["DATABASE_URL", `mysql://app:${SECRET}@db/x`, { SECRET_KEY }],
    ["DATABASE_URL", `postgres://app:${SECRET}#@db/x`, { SECRET_KEY }],
    ["DATABASE_URL", `postgres://app:${SECRET}%@db/x`, { SECRET_KEY }],
    ["DATABASE_URL", "", { ROLES: "http" }],
    ["SECRET_KEY", SECRET],
    ["SECRET_KEY_OLD", SECRET],
    ["SECRET_KEY", "", { DATABASE_URL: `postgres://app:${SECRET}@db/x` }],
    ["REDIS_URL", `http://:${SECRET}@redis`],
    ["REDIS_REQUIRE_AOF", "yes"],
    ["SANDBOX", "true"],
    ["SANDBOX_PORT", "70000"],
    ["ADMIN_API_KEY", "15-characters-x"],
    ["ADMINS", "90017"],
    ["VIEWERS", "telegram:1001,constructor:1"],
    ["DEFAULT_LOCALE", "fr"],
    ["TZ_DEFAULT", "Mars/Olympus"],
    ["NEVER_BLOCK", "10.0.0.0/33"],
    ["TELEGRAM_BOT_TOKEN", SECRET],
    ["TELEGRAM_BOT_TOKEN", `123456:${SECRET}`, { SANDBOX: "1" }],
    ["PUBLIC_URL", `http://desk.example.com/${SECRET}`],
    ["TELEGRAM_WEBHOOK_SECRET", `${SECRET}?`],
    ["TELEGRAM_API_ROOT", "ftp://127.0.0.1"],
    ["TELEGRAM_LIMITS", "0/s"],
    ["CLOUDFLARE_ZONE_ID", "", { CLOUDFLARE_API_TOKEN: SECRET }],
    ["CLOUDFLARE_API_TOKEN", SECRET, { SANDBOX: "1", CLOUDFLARE_ZONE_ID: ZONE }],
    ["CLOUDFLARE_BUDGET", "fast"],
    ["LOG_LEVEL", "loud"],
  ])("%s=%s", async (variable, value, besides = {}) => {
    expectOneLine(await serve({ ...besides, [variable]: value }), { code: 78, says: new RegExp(`^${variable} must `) });
  });

  it("the CLI's own commands on the database say the same", async () => {
    const made = await switchboard(["keys", "create", "--name", "a", "--role", "viewer"], { PORT: "x" });
    expectOneLine(made, { code: 78, says: /^PORT must / });
  });
});

describe("an address of this machine that others reach", () => {
  it("needs a key: in the setting, or in the database with any role", async () => {
    const env = { HOST: "0.0.0.0", DATABASE_URL: toUrl(await postgres.database()), SECRET_KEY };
    expectOneLine(await serve(env), { code: 78, says: /^ADMIN_API_KEY must be set/ });
    expect(await switchboard(["keys", "create", "--name", "boss", "--role", "viewer"], env)).toMatchObject({ code: 0 });
    const { url, output } = await start(env);
    // What only this machine may do is not offered.
    await until("it says what to do", async () => output().includes("REST wants ADMIN_API_KEY"));
    expect(output()).not.toContain("/sandbox/");
    const local = url.replace("0.0.0.0", "127.0.0.1");
    expect(await send(`${local}/api/v1/runs`)).toMatchObject({ status: 401 });
    expect(await send(`${local}/metrics`)).toMatchObject({ status: 401 });
    expect(await send(`${local}/sandbox`)).toMatchObject({ status: 404 });
    expect((await send(`${local}/readyz`)).json).toEqual({ status: expect.any(String) });
  });

  it("that is none of this machine's is a wrong HOST", async () => {
    const env = { DATABASE_URL: toUrl(await postgres.database()), SECRET_KEY, ADMIN_API_KEY: ADMIN_KEY };
    for (const HOST of ["203.0.113.5", "nowhere.invalid"])
      expectOneLine(await serve({ ...env, HOST }), { code: 78, says: /^HOST must be an address/ });
  });
});

describe("the sandbox", () => {
  it("has the zones, or the account, that are set", async () => {
    const zones = ["a".repeat(32), "b".repeat(32)];
    const account = "c".repeat(32);
    for (const [env, scopes] of [
      [{ CLOUDFLARE_ZONE_ID: zones.join() }, zones.map((id) => ({ id, type: "zone" }))],
      [{ CLOUDFLARE_ACCOUNT_ID: account }, [{ id: account, type: "account" }]],
    ] as const) {
      const { url, stop } = await start({ ...env, DATA_DIR: path.join(folder, Object.keys(env).join()) });
      const asked = await send(`${url}/api/v1/commands/cf_block`, { body: { ip: "203.0.113.7" } });
      const { run_id } = asked.json as { run_id: string };
      await until("it is blocked", async () => {
        const run = await send(`${url}/api/v1/runs/${run_id}`);
        return (run.json as { status: string }).status === "succeeded";
      });
      const rules = (await send(`${url}/sandbox/cloudflare/rules`)).json as { rules: { scope: unknown }[] };
      expect(rules.rules.map(({ scope }) => scope)).toEqual(scopes.map((scope) => expect.objectContaining(scope)));
      await stop();
    }
  });

  it("of a process with some of the roles is its own, which is said", async () => {
    const env = { DATABASE_URL: toUrl(await postgres.database()), SECRET_KEY, LOG_LEVEL: "warn" };
    const { output } = await start({ ...env, ROLES: "http,bots" });
    await until("it is said", async () => output().includes("this process has emulators of its own"));
  });
});

describe("what is missing or taken ends the start with 1 and one line", () => {
  it("a port in use, before any work is begun", async () => {
    const env = { DATABASE_URL: toUrl(await postgres.database()), SECRET_KEY };
    expectOneLine(await serve({ ...env, PORT: takenPort() }), { code: 1, says: /port \d+ of 127.0.0.1 is in use: .* set PORT/ });
    expectOneLine(await serve({ ...env, SANDBOX_PORT: takenPort() }), {
      code: 1,
      says: /port \d+ of 127.0.0.1 is in use: .* set SANDBOX_PORT/,
    });
  });

  it("a database that is not there, or is none", async () => {
    const says = /cannot start: the database cannot be reached/;
    for (const place of ["127.0.0.1:1", "nowhere.invalid", `127.0.0.1:${takenPort()}`])
      expectOneLine(await serve({ DATABASE_URL: `postgres://app:${SECRET}@${place}/x`, SECRET_KEY }), { code: 1, says });
  });

  it("a Redis that is not there, or is none", async () => {
    const env = { DATABASE_URL: toUrl(await postgres.database()), SECRET_KEY };
    for (const place of ["127.0.0.1:1", `127.0.0.1:${takenPort()}`])
      expectOneLine(await serve({ ...env, REDIS_URL: `redis://:${SECRET}@${place}` }), {
        code: 1,
        says: /Redis at REDIS_URL cannot be reached/,
      });
  });

  it("a data folder that is below a file", async () => {
    const DATA_DIR = path.join(folder, "a-file");
    await writeFile(DATA_DIR, "");
    expectOneLine(await serve({ DATA_DIR: path.join(DATA_DIR, "data") }), { code: 1, says: /choose another DATA_DIR/ });
  });

  it("a data folder that another process uses, which goes on", async () => {
    const DATA_DIR = path.join(folder, "embedded");
    const first = await start({ DATA_DIR });
    expectOneLine(await serve({ DATA_DIR }), { code: 1, says: new RegExp(`${first.pid}`) });
    expect(await send(`${first.url}/readyz`)).toMatchObject({ status: 200 });
    expect(await first.stop()).toBe(0);
  });
});

const redis = useRedis(["--appendonly", "no"]);

describe.skipIf(!redis.available)("a Redis that may forget", () => {
  it("is warned of, and /readyz says volatile", async () => {
    const env = { DATABASE_URL: toUrl(await postgres.database()), SECRET_KEY, REDIS_URL: redis.url(), LOG_LEVEL: "warn" };
    const { url, output } = await start(env);
    expect(output()).toMatch(/"level":"warn".*Redis may forget/);
    const ready = await send(`${url}/readyz`);
    expect(ready.status).toBe(200);
    expect(ready.json).toMatchObject({
      status: "degraded",
      degraded: expect.arrayContaining(["queue"]),
      parts: expect.arrayContaining([{ part: "queue", state: "degraded", note: "volatile" }]),
    });
  });

  it("is refused with REDIS_REQUIRE_AOF=1", async () => {
    const env = { DATABASE_URL: toUrl(await postgres.database()), SECRET_KEY, REDIS_URL: redis.url(), REDIS_REQUIRE_AOF: "1" };
    expectOneLine(await serve(env), { code: 78, says: /^REDIS_URL must be a Redis with appendonly yes/ });
  });
});
