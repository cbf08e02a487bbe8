import { describe, expect, it } from "vitest";
import { z } from "zod";
import { MESSAGE_CHARS } from "../../bots/telegram/limits.ts";
import { renderTelegram } from "../../bots/telegram/render.ts";
import { commands } from "../../commands/index.ts";
import { type Command, presentOutput, slugOf } from "../../core/command.ts";
import { LOCALES } from "../../core/locale.ts";
import { createRegistry, questionKey } from "../../core/registry.ts";
import { plain, type Reply, type Text } from "../../core/reply.ts";
import { ROLES } from "../../core/request.ts";
import { bind } from "../../core/text/bind.ts";
import { isOptional } from "../../core/text/field-kind.ts";
import { parseInput } from "../../core/text/issues.ts";
import { normalise } from "../../core/text/normalise.ts";
import { tokenise } from "../../core/text/tokenise.ts";
import { createTestDesk } from "../support/conversation.ts";
import { SAMPLES } from "../support/samples.ts";
import { loadTexts } from "../support/test-desk.ts";

const texts = loadTexts();
const registry = createRegistry(commands, texts);

/** The command of a line, with its checked input; throws where it is no line of any. */
function read(line: string): { readonly command: Command; readonly input: unknown } {
  const found = registry.match(tokenise(normalise(line)));
  if (!found) throw new Error(`"${line}" is no command`);
  const { input, missing } = bind(found.command, found.rest);
  if (missing.length > 0) throw new Error(`"${line}" lacks ${missing.join(", ")}`);
  return { command: found.command, input: parseInput(found.command, input) };
}

/** Every key that an answer uses, those within params too. */
function keysOf(part: unknown): string[] {
  if (typeof part !== "object" || part === null) return [];
  const own = "key" in part && typeof part.key === "string" ? [part.key] : [];
  return [...own, ...Object.values(part).flatMap(keysOf)];
}

const sayAll = (reply: Reply) => LOCALES.map((locale) => plain(reply, texts, locale, "Asia/Seoul"));

describe.each(commands.map((command) => [slugOf(command), command] as const))("%s", (slug, command) => {
  it.each(LOCALES)("has examples that work and a summary in %s", (locale) => {
    for (const example of command.examples[locale]) expect(read(example).command).toBe(command);
    for (const example of command.examples[locale]) expect(read(`/${example}`).input).toEqual(read(example).input);
    expect(command.summary[locale].trim()).toBe(command.summary[locale]);
    expect(command.phrases[locale].length).toBeGreaterThan(0);
  });

  it("is described for machines, every field of it", () => {
    const schema = z.toJSONSchema(command.input, { io: "input" });
    for (const [name, field] of Object.entries(schema.properties ?? {}))
      expect([name, field]).toMatchObject([name, { description: expect.any(String) }]);
    expect(() => z.toJSONSchema(command.output, { io: "input" })).not.toThrow();
  });

  it("asks for what it cannot do without, in every language", () => {
    const required = command.positional.filter((field) => !isOptional(command.input, field));
    for (const locale of LOCALES) for (const field of required) expect(texts.has(questionKey(command, field), locale)).toBe(true);
  });

  it("may be asked for at any time by nobody without a role", () => {
    expect(ROLES).toContain(command.role);
    expect(command.execution.timeout_ms).toBeGreaterThan(0);
    // Telegram and Webex wait for nobody; a person waits for ten seconds.
    if (command.execution.mode === "inline") expect(command.execution.timeout_ms).toBeLessThanOrEqual(10_000);
  });

  it("has a help that fits a message of Telegram", async () => {
    const desk = createTestDesk();
    for (const locale of LOCALES) {
      const outcome = await desk.person("telegram:1001", "admin", { locale, chat: locale }).says(`/help ${slug}`);
      const { text, pages } = renderTelegram(plain(outcome.reply, texts, locale, "UTC"), { delivery_id: "d", page: 1 });
      expect(pages).toBe(1);
      expect(text.length).toBeLessThan(MESSAGE_CHARS);
    }
  });

  const samples = SAMPLES[slug] ?? [];
  it("has sample outputs in test/support/samples.ts", () => {
    expect(samples.length).toBeGreaterThan(0);
  });

  it.each(samples.map((sample) => [JSON.stringify(sample).slice(0, 100), sample] as const))("presents %s", (_, sample) => {
    const output = command.output.parse(sample);
    const reply = presentOutput(command, output);
    for (const key of keysOf(reply))
      for (const locale of LOCALES) expect([key, locale, texts.has(key, locale)]).toEqual([key, locale, true]);
    for (const said of sayAll(reply)) {
      expect(JSON.stringify(said)).not.toMatch(/\{\{|undefined|\[object/);
      expect(renderTelegram(said, { delivery_id: "d", page: 1 }).text.length).toBeLessThanOrEqual(MESSAGE_CHARS);
    }
    // It travels as JSON.
    expect(JSON.parse(JSON.stringify(reply))).toEqual(reply);
    if (reply.undo) expect(() => read(reply.undo?.line ?? "")).not.toThrow();
  });
});

describe("help", () => {
  it.each(LOCALES)("lists everything in one message of Telegram in %s", async (locale) => {
    const outcome = await createTestDesk().person("telegram:1001", "admin", { locale }).says("/help");
    const { text } = renderTelegram(plain(outcome.reply, texts, locale, "UTC"), { delivery_id: "d", page: 1 });
    for (const command of commands) expect(text).toContain(`/${slugOf(command)}`);
  });

  it("is understood without a text that is missing", () => {
    const nowhere: Text = { key: "no.such.key" };
    expect(keysOf({ tone: "ok", title: nowhere })).toEqual(["no.such.key"]);
    expect(LOCALES.some((locale) => texts.has("no.such.key", locale))).toBe(false);
  });
});
