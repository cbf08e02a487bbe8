import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLog } from "../../sandbox/log.ts";
import { ANN, talkTo, useSandbox } from "./fixture.ts";

const start = useSandbox();
const ROOT = resolve(import.meta.dirname, "../..");
const ZONE = `/zones/${"0".repeat(31)}1/firewall/access_rules/rules`;
const RULE = { mode: "block", configuration: { target: "ip", value: "203.0.113.7" }, notes: "kept" };

let folder = "";
const children: ChildProcess[] = [];

/** Runs the emulators as the program they are: compiled, by node, not by npm. */
async function spawnSandbox(dist: string, env: Readonly<Record<string, string>> = {}) {
  const args = [join(dist, "sandbox/main.js"), "--port", "0", "--data-dir", join(folder, "data")];
  const child = spawn(process.execPath, args, {
    env: { TELEGRAM_LIMITS: "1000/s,1000/s/chat,1000/min/group", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let printed = "";
  for await (const chunk of child.stdout) {
    printed += chunk;
    const [, url] = /sandbox listening on (\S+)/.exec(printed) ?? [];
    if (url) return { child, printed, ...talkTo(url) };
  }
  throw new Error(`the sandbox did not start: ${printed}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const exit = once(child, "exit");
  child.kill(signal);
  return (await exit)[0];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandbox-"));
  // The compiler's own entry, into a folder of our own: a build of the whole tree may be under way beside us.
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const config = join(folder, "tsconfig.json");
  const files = JSON.stringify({
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      rootDir: ROOT,
      outDir: join(ROOT, "dist/test-sandbox"),
      typeRoots: [join(ROOT, "node_modules/@types")],
    },
    include: [join(ROOT, "sandbox")],
  });
  await appendFile(config, files);
  execFileSync(process.execPath, [tsc, "-p", config], { stdio: "inherit" });
});

afterAll(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
  await rm(join(ROOT, "dist/test-sandbox"), { recursive: true, force: true });
});

describe("the emulators survive their process", () => {
  it("SIGKILL loses nothing that was answered, and ids go on", async () => {
    const dist = join(ROOT, "dist/test-sandbox");
    const first = await spawnSandbox(dist);
    expect(first.printed).toContain("TELEGRAM_BOT_TOKEN=123456:SANDBOX");
    const update = await first.says("hi");
    await first.bot("sendMessage", { chat_id: ANN.id, text: "one" });
    await first.cf("POST", ZONE, RULE);
    expect(await end(first.child, "SIGKILL")).toBeNull();

    const second = await spawnSandbox(dist);
    expect((await second.bot("getUpdates")).body["result"]).toMatchObject([{ update_id: update, message: { text: "hi" } }]);
    expect((await second.bot("editMessageText", { chat_id: ANN.id, message_id: 2, text: "one" })).status).toBe(400);
    expect((await second.bot("sendMessage", { chat_id: ANN.id, text: "two" })).body["result"]).toMatchObject({ message_id: 3 });
    expect(await second.says("again")).toBe(update + 1);
    expect((await second.cf("POST", ZONE, RULE)).body).toMatchObject({ errors: [{ code: 10009 }] });
    const { body } = await second.person("GET", "/calls?emulator=telegram&method=sendMessage");
    expect(body["calls"]).toMatchObject([{ text: "one" }, { text: "two" }]);
    expect(await end(second.child, "SIGTERM")).toBe(0);
  });

  it.each([
    ["CLOUDFLARE_ZONE_ID", `${"1".repeat(32)},${"2".repeat(32)}`, "zones"],
    ["CLOUDFLARE_ACCOUNT_ID", "3".repeat(32), "accounts"],
  ])("%s says which exist, and is handed on", async (variable, ids, kind) => {
    const { child, printed, cf } = await spawnSandbox(join(ROOT, "dist/test-sandbox"), { [variable]: ids });
    expect(printed).toContain(`${variable}=${ids}\n`);
    expect(printed.match(/CLOUDFLARE_(ZONE|ACCOUNT)_ID=/g)).toHaveLength(1);
    for (const id of ids.split(",")) expect((await cf("GET", `/${kind}/${id}/firewall/access_rules/rules`)).status).toBe(200);
    expect(await end(child, "SIGTERM")).toBe(0);
  });

  it("a confirmed update stays confirmed over a restart", async () => {
    const first = await start();
    const update = await first.says("hi");
    await first.bot("getUpdates", { offset: update + 1 });
    await first.sandbox.close();
    const second = await start({ data_dir: first.data_dir });
    expect((await second.bot("getUpdates")).body["result"]).toEqual([]);
    expect(await second.says("next")).toBe(update + 1);
  });

  it("a torn last line is cut off, and what follows it is whole", async () => {
    const path = join(folder, "torn.jsonl");
    const log = openLog(path);
    log.append({ n: 1, text: "한국어 😀".repeat(50_000) });
    log.append({ n: 2 });
    log.close();
    await appendFile(path, '{"n":3,"te');
    const again = openLog(path);
    again.append({ n: 4 });
    const seen: unknown[] = [];
    again.replay(({ n, text }) => seen.push([n, String(text ?? "").length]));
    again.close();
    expect(seen).toEqual([
      [1, 300_000],
      [2, 0],
      [4, 0],
    ]);
    expect((await readFile(path, "utf8")).endsWith('{"n":4}\n')).toBe(true);
    expect(() => again.append({ n: 5 })).toThrow("closed");
  });

  it("writes an entry before it answers", async () => {
    const { bot, says, data_dir } = await start();
    await says("hi");
    await bot("sendMessage", { chat_id: ANN.id, text: "one" });
    const lines = (await readFile(join(data_dir, "sandbox/telegram.jsonl"), "utf8")).trim().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      kind: "call",
      method: "sendMessage",
      chat_id: ANN.id,
      message_id: 2,
      status: 200,
    });
  });
});
