import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import Cloudflare from "cloudflare";
import { Telegraf } from "telegraf";
import { describe, expect, it } from "vitest";
import { missing } from "../support/missing.ts";
import { ANN, until, useSandbox, type World } from "./fixture.ts";

const start = useSandbox();
const run = promisify(execFile);

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

  it("python3-cloudflare creates, lists and deletes", async ({ skip }) => {
    const python = "/usr/bin/python3";
    if (spawnSync(python, ["-c", "import CloudFlare"]).status !== 0) {
      missing("python3-cloudflare is not installed (apt-get install python3-cloudflare)");
      skip("python3-cloudflare is not installed");
    }
    const { base_url, token, zone_id } = (await start()).sandbox.cloudflare;
    const program = [
      "import sys, CloudFlare",
      "base, token, zone = sys.argv[1:]",
      "rules = CloudFlare.CloudFlare(token=token, base_url=base).zones.firewall.access_rules.rules",
      "made = rules.post(zone, data={'mode': 'block', 'configuration': {'target': 'ip', 'value': '203.0.113.7'}, 'notes': 'python'})",
      "assert [rule['id'] for rule in rules.get(zone, params={'configuration_value': '203.0.113.7'})] == [made['id']]",
      "assert rules.delete(zone, made['id'])['id'] == made['id']",
      "print(len(rules.get(zone)))",
    ].join("\n");
    const { stdout } = await run(python, ["-c", program, base_url, token, zone_id]);
    expect(stdout.trim()).toBe("0");
  });
});
