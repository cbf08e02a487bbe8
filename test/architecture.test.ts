import { describe, expect, it } from "vitest";
import {
  commandNames,
  defaultExports,
  environment,
  folderOf,
  folders,
  importEffects,
  MAY_IMPORT,
  packages,
  platforms,
  purity,
  type Rule,
  surfaces,
} from "./support/rules.ts";
import { ownFolders, ownSources, parseSource } from "./support/source.ts";

const sources = ownSources();
const names = commandNames(sources);
const RULES = { folders, platforms, packages, environment, purity, defaultExports, importEffects, surfaces: surfaces(names) };

describe("the tree keeps to the design", () => {
  it.each(Object.entries(RULES))("%s", (_, rule) => {
    expect(sources.flatMap(rule)).toEqual([]);
  });

  it("has only folders with a row in the table, and none without a meaning", () => {
    const all = ownFolders();
    const withCode = new Set(
      sources
        .map(({ path }) => path)
        .filter((path) => path.includes("/"))
        .map(folderOf),
    );
    expect([...withCode].filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
    expect(all.filter((path) => /(^|\/)(src|lib|utils|helpers|common|services|types)$/.test(path))).toEqual([]);
  });

  it("knows every file of commands/ that declares a command", () => {
    const declaring = sources.filter(({ path, text }) => path.startsWith("commands/") && /= defineCommand\(/.test(text));
    expect(names).toHaveLength(declaring.length);
    expect(names.length).toBeGreaterThan(0);
  });
});

const noCommand = surfaces(["cf block", "ping"]);

describe("a breach is found", () => {
  const BREACHES: readonly (readonly [path: string, text: string, rule: Rule])[] = [
    ["core/a.ts", 'import { block } from "../commands/cf/block.ts";', folders],
    ["bots/telegram/a.ts", 'import type { Sweeper } from "../../jobs/sweeper.ts";', folders],
    ["jobs/a.ts", 'const { start } = await import("../bots/telegram/outbound.ts");', folders],
    ["http/a.ts", 'export * from "../clients/redis.ts";', folders],
    ["sandbox/a.ts", 'type Reply = import("../core/reply.ts").Reply;', folders],
    ["clients/a.ts", 'import { serve } from "../bin/switchboard.ts";', folders],
    ["bin/a.ts", 'import { fake } from "../test/support/fake.ts";', folders],
    ["bin/a.ts", 'import { core } from "../dist/core/run.js";', folders],
    ["bots/slack/a.ts", 'import { limits } from "../telegram/limits.ts";', platforms],
    ["core/a.ts", 'import { readFileSync } from "node:fs";', packages],
    ["commands/a.ts", 'import Cloudflare from "cloudflare";', packages],
    ["bots/slack/a.ts", 'import { Bot } from "grammy";', packages],
    ["jobs/a.ts", 'import { Worker } from "bullmq";', packages],
    ["clients/redis.ts", 'import { PrismaPg } from "@prisma/adapter-pg";', packages],
    ["clients/people.ts", 'import { PrismaClient } from "../prisma/generated/client.ts";', packages],
    ["clients/smtp.ts", 'const sdk = require("cloudflare");', packages],
    ["clients/a.ts", "export const home = process.env.HOME;", environment],
    ["jobs/a.ts", 'export const home = process["env"]["HOME"];', environment],
    ["http/a.ts", "const { env } = process;", environment],
    ["sandbox/a.ts", 'import { env } from "node:process";', environment],
    ["core/a.ts", "export const now = () => Date.now();", purity],
    ["core/a.ts", "export const now = () => new Date();", purity],
    ["commands/a.ts", "export const dice = () => Math.random();", purity],
    ["core/a.ts", "export const wait = () => setTimeout(() => {}, 1);", purity],
    ["core/a.ts", "export const limit = () => AbortSignal.timeout(1);", purity],
    ["core/execute.ts", "export const t = () => setInterval(() => {}, 1);", purity],
    ["core/a.ts", "export const t = () => performance.now();", purity],
    ["commands/a.ts", 'import { randomUUID } from "node:crypto";', purity],
    ["core/a.ts", "export const get = () => fetch('http://127.0.0.1');", purity],
    ["core/a.ts", "export default 1;", defaultExports],
    ["core/a.ts", "const a = 1; export { a as default };", defaultExports],
    ["clients/a.ts", "register();", importEffects],
    ["bots/telegram/a.ts", 'export const first = "cf_block";', noCommand],
    ["http/a.ts", "export const line = `/cf block 203.0.113.7`;", noCommand],
    ["jobs/a.ts", 'export const alive = (slug: string) => slug === "ping";', noCommand],
    ["bots/telegram/a.ts", "export const menu = { cf_block: 1 };", noCommand],
  ];

  it.each(BREACHES)("%s: %s", (path, text, rule) => {
    expect(rule(parseSource(path, text))).toHaveLength(1);
  });

  it("and what is allowed is not", () => {
    const fine = parseSource("core/a.ts", 'import { z } from "zod"; export const at = (now: Date) => [z, new Date(now)];');
    const timekeeper = parseSource("core/execute.ts", "export const limit = (end: () => void) => setTimeout(end, 1);");
    expect(Object.values(RULES).flatMap((rule) => [...rule(fine), ...rule(timekeeper)])).toEqual([]);
  });
});
