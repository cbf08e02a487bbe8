import { describe, expect, it } from "vitest";
import { z } from "zod";
import { commands } from "../../commands/index.ts";
import type { Command } from "../../core/command.ts";
import { createRegistry } from "../../core/registry.ts";
import { normalise } from "../../core/text/normalise.ts";
import { tokenise } from "../../core/text/tokenise.ts";
import { inEach, testCommand, testTexts } from "../support/test-commands.ts";
import { loadTexts } from "../support/test-desk.ts";

/** What building a registry of these is refused with, a line for each culprit. */
function refusal(...catalogue: readonly Command[]): readonly string[] {
  try {
    createRegistry(catalogue, testTexts());
    return [];
  } catch (thrown) {
    return String(thrown).split("\n").slice(1);
  }
}

const note = (special: Parameters<typeof testCommand>[0]) => testCommand({ name: "note", ...special });

describe("the registry refuses, and names the culprits", () => {
  it.each<[string, readonly Command[], readonly string[]]>([
    ["one name twice", [testCommand(), testCommand()], ['name "echo" is claimed twice']],
    ["an alias that is a name", [testCommand(), note({ aliases: ["echo"] })], ['name "echo" is claimed by both echo and note']],
    ["an alias of two", [testCommand({ aliases: ["say"] }), note({ aliases: ["say"] })], ['name "say" is claimed by both echo and note']],
    [
      "a phrase of two, in any case",
      [testCommand({ phrases: { en: ["Say it"], ko: [], ru: [] } }), note({ phrases: { en: [], ko: ["say it"], ru: [] } })],
      ['phrase "say it" is claimed by both echo and note'],
    ],
    [
      "a reserved alias",
      [testCommand({ aliases: ["doctor", "cancel"] })],
      ["doctor", "cancel"].map((name) => `echo: the name "${name}" is reserved`),
    ],
    [
      "an example of another command",
      [testCommand(), note({ examples: inEach(["echo hello"]) })],
      Array(3).fill('note: the example "echo hello" is not a line of this command'),
    ],
    [
      "an example without its argument",
      [testCommand({ examples: { ...inEach(["echo hello"]), ko: ["echo"] } })],
      ['echo: the example "echo" lacks words'],
    ],
    [
      "what leads to another command, but later",
      [testCommand({ execution: { mode: "queued", timeout_ms: 1_000, attempts: 1 }, next: () => ({ command: "echo", input: {} }) })],
      ["echo: what leads to another command must be inline"],
    ],
    ["no example in a language", [testCommand({ examples: { ...inEach(["echo hello"]), ru: [] } })], ["echo: no example in ru"]],
    [
      "no summary in a language",
      [testCommand({ summary: { ...inEach("Says it"), ko: "" } })],
      ["echo: summary in ko is missing or too long"],
    ],
    [
      "too long a summary",
      [testCommand({ summary: { ...inEach("Says it"), en: "x".repeat(257) } })],
      ["echo: summary in en is missing or too long"],
    ],
    [
      "too long an alias",
      [testCommand({ aliases: ["x".repeat(33)] })],
      [`echo: the name "${"x".repeat(33)}" is not made of a-z, 0-9 and "_", at most 32`],
    ],
    [
      "an alias nobody could type",
      [testCommand({ aliases: ["Say"] })],
      ['echo: the name "Say" is not made of a-z, 0-9 and "_", at most 32'],
    ],
  ])("%s", (_, catalogue, culprits) => {
    expect(refusal(...catalogue)).toEqual(expect.arrayContaining([...culprits]));
  });

  it.each(["ask", "doctor", "keys", "seed", "serve", "backup", "restore", "cancel", "no"])("the reserved name %s", (name) => {
    expect(refusal(testCommand({ name, input: z.object({}), positional: [], examples: inEach([name]) }))).toEqual([
      `${name}: the name "${name}" is reserved`,
    ]);
  });

  it("an example that does not parse, with the reason", () => {
    const [problem] = refusal(testCommand({ examples: { ...inEach(["echo hello"]), en: ["echo hello --loud"] } }));
    expect(problem).toMatch(/^echo: the example "echo hello --loud" does not parse: .*unknown_flag/);
  });

  it("a question that is missing in a language, but none that is never asked", () => {
    const optional = note({ input: z.object({ words: z.string().optional() }) });
    expect(refusal(testCommand({ name: "hum" }), optional)).toEqual(
      ["en", "ko", "ru"].map((locale) => `hum: the text "ask.hum.words" is missing in ${locale}`),
    );
  });

  it("everything at once", () => {
    const problems = refusal(testCommand(), testCommand(), note({ aliases: ["ask"], examples: inEach(["note"]) })).join("\n");
    for (const culprit of ['"echo" is claimed twice', '"ask" is reserved', 'the example "note" lacks words'])
      expect(problems).toContain(culprit);
  });
});

it("the registry of the product is consistent", () => {
  expect(createRegistry(commands, loadTexts()).commands).toBe(commands);
});

describe("the registry finds", () => {
  const registry = createRegistry(commands, loadTexts());

  it.each(["cf block", "cf_block", "block", "BAN", "  cf   block "])("a command by %j", (name) => {
    expect(registry.find(name)?.name).toBe("cf block");
  });

  it.each(["", "cf", "cfblock", "/block", "toString", "__proto__", "constructor"])("nothing by %j", (name) => {
    expect(registry.find(name)).toBeUndefined();
  });

  it.each([
    ["cf block 203.0.113.7", "cf block", 1],
    ["/cf_block@bot 203.0.113.7 203.0.113.8", "cf block", 2],
    ["/CF block", "cf block", 0],
    ["blocked 203.0.113.7", "cf search", 1],
  ])("the command a line begins with: %s", (line, name, rest) => {
    const found = registry.match(tokenise(normalise(line)));
    expect([found?.command.name, found?.rest.length]).toEqual([name, rest]);
  });

  it.each(["", "please block it", '"block" 203.0.113.7', "--block", "cf --block"])("none in %j", (line) => {
    expect(registry.match(tokenise(normalise(line)))).toBeNull();
  });

  it("for help what a role may run, and what it may not is not there", () => {
    const { catalogue } = registry;
    const slugs = (role: "viewer" | "operator" | "admin" | null) => catalogue.list(role).map(({ slug }) => slug);
    expect(slugs(null)).toEqual([]);
    expect(slugs("viewer")).not.toContain("cf_block");
    expect(slugs("admin")).toHaveLength(commands.length);
    expect(catalogue.find("/block", "operator")?.slug).toBe("cf_block");
    expect(catalogue.find("cf block", "viewer")).toBeNull();
  });
});
