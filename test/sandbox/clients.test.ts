import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import Cloudflare from "cloudflare";
import { Telegraf } from "telegraf";
import { describe, expect, it } from "vitest";
import { missing } from "../support/missing.ts";
import { ANN, until, useSandbox, type World } from "./fixture.ts";

const start = useSandbox();
const run = promisify(execFile);
const PYTHON = "/usr/bin/python3";
const PROGRAM = new URL("cloudflare-client.py", import.meta.url);

async function heard({ person }: World): Promise<{ text: string; edited: number }[]> {
  return (await person("GET", `/telegram/messages?chat_id=${ANN.id}`)).body["messages"] as unknown as { text: string; edited: number }[];
}

describe("clients that others wrote", () => {
  it("telegraf polls, replies, edits, and answers a button", async () => {
    const world = await start();
    const { api_root: apiRoot, token } = world.sandbox.telegram;
    const bot = new Telegraf(token, { telegram: { apiRoot } });
    bot.command("ping", (context) =>
      context.reply("pong?", { reply_markup: { inline_keyboard: [[{ text: "Really", callback_data: "really" }]] } }),
    );
    bot.action("really", async (context) => {
      await context.answerCbQuery("yes");
      await context.editMessageText("<b>pong!</b>", { parse_mode: "HTML" });
    });
    const ended = bot.launch();
    try {
      await world.says("/ping");
      await until(async () => (await heard(world)).length === 1);
      await world.person("POST", "/telegram/callbacks", { chat_id: ANN.id, message_id: 2, data: "really", from: ANN });
      await until(async () => (await heard(world))[0]?.edited === 1);
      expect(await heard(world)).toMatchObject([
        { text: "pong!", html: "<b>pong!</b>", entities: [{ type: "bold", offset: 0, length: 5 }], buttons: [] },
      ]);
      const { body } = await world.person("GET", "/telegram/callbacks");
      expect(body["callbacks"]).toMatchObject([{ data: "really", answered: true, text: "yes" }]);
      expect(bot.botInfo).toMatchObject({ id: 123456, is_bot: true });
    } finally {
      bot.stop();
      await ended;
    }
  });

  it("the official cloudflare SDK creates, lists to the end, edits and deletes", async () => {
    const { base_url: baseURL, token: apiToken, zone_id } = (await start()).sandbox.cloudflare;
    const cf = new Cloudflare({ apiToken, baseURL, maxRetries: 0 });
    const { accessRules } = cf.firewall;
    expect(await cf.user.tokens.verify()).toMatchObject({ status: "active" });
    const configuration = { target: "ip", value: "203.0.113.7" } as const;
    const { id } = await accessRules.create({ zone_id, mode: "block", configuration, notes: "sdk" });
    await expect(accessRules.create({ zone_id, mode: "block", configuration })).rejects.toMatchObject({
      status: 400,
      errors: [{ code: 10009 }],
    });
    for (let at = 1; at <= 6; at += 1)
      await accessRules.create({ zone_id, mode: "block", configuration: { target: "ip", value: `198.51.100.${at}` } });
    const found: string[] = [];
    for await (const rule of accessRules.list({ zone_id, per_page: 5 })) found.push(rule.id);
    expect(found).toHaveLength(7);
    const [hit, ...rest] = (await accessRules.list({ zone_id, configuration })).result;
    expect([hit?.id, rest]).toEqual([id, []]);
    expect(await accessRules.edit(id, { zone_id, mode: "challenge", configuration })).toMatchObject({ mode: "challenge" });
    expect(await accessRules.delete(id, { zone_id })).toEqual({ id });
    await expect(accessRules.get(id, { zone_id })).rejects.toMatchObject({ status: 404, errors: [{ code: 10001 }] });
  });

  it.each(["zone", "account"] as const)(
    "python3-cloudflare creates, filters, pages, edits and deletes the rules of one %s",
    async (kind) => {
      if (spawnSync(PYTHON, ["-c", "import CloudFlare"]).status !== 0) {
        missing("python3-cloudflare is not installed (apt-get install python3-cloudflare)");
        return;
      }
      const id = kind === "zone" ? "b".repeat(32) : "c".repeat(32);
      const options = kind === "zone" ? { cloudflare_zones: [id] } : { cloudflare_accounts: [id] };
      const { base_url, token } = (await start(options)).sandbox.cloudflare;
      const { stdout } = await run(PYTHON, [fileURLToPath(PROGRAM), base_url, token, kind, id]);
      expect(JSON.parse(stdout)).toEqual({
        values: ["203.0.113.7", "2001:0db8:0000:0000:0000:0000:0000:0007", "198.51.100.0/24", "KR"],
        all: 4,
        dotted: ["203.0.113.7"],
        underscored: ["203.0.113.7"],
        ipv6: ["2001:0db8:0000:0000:0000:0000:0000:0007"],
        mode: ["198.51.100.0/24"],
        notes: ["2001:0db8:0000:0000:0000:0000:0000:0007"],
        any: 2,
        pages: [1, 1, 1, 1, 0],
        info: { page: 1, per_page: 1, count: 1, total_count: 4, total_pages: 4 },
        duplicate: 10_009,
        same_ipv6: 10_009,
        not_valid: 10_001,
        bad_page: 10_001,
        edited: "challenge",
        read: "python",
        deleted: true,
        gone: [10_001, 10_001],
        elsewhere: 7_003,
        stranger: 9_109,
        left: 0,
      });
    },
  );
});
