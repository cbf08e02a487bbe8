import { z } from "zod";
import { type Command, type CommandContext, defineCommand } from "../../core/command.ts";
import type { PerLocale } from "../../core/locale.ts";
import { raw } from "../../core/reply.ts";
import { loadTexts, withKeysOf } from "./test-desk.ts";

/** The same thing in each language. */
export const inEach = <T>(value: T): PerLocale<T> => ({ en: value, ko: value, ru: value });

/** What a command of a test is, besides what it shares with all. */
type Special = Partial<Omit<Command, "handle">> & { handle?(words: string, context: CommandContext): Promise<{ said: string }> };

/** A command that repeats its words; whatever is given is different about it. */
export function testCommand({ handle, ...special }: Special = {}): Command {
  const name = special.name ?? "echo";
  const command = defineCommand({
    name,
    aliases: [],
    summary: inEach(`Says ${name}`),
    phrases: inEach([]),
    examples: inEach([`${name} hello`]),
    input: z.object({ words: z.string().max(40) }),
    output: z.object({ said: z.string() }),
    positional: ["words"],
    role: "viewer",
    effect: "read",
    execution: { mode: "inline", timeout_ms: 5_000 },
    handle: async ({ words }, context) => (handle ? handle(words, context) : { said: words }),
    present: ({ said }) => ({ tone: "ok", title: raw(said) }),
  });
  return { ...command, ...special } as Command;
}

/** A command with a secret, which is kept out of everything that is kept. */
export const vault: Command = defineCommand({
  name: "vault set",
  aliases: [],
  summary: inEach("Keeps a password"),
  phrases: inEach([]),
  examples: inEach(["vault_set kim hunter22"]),
  input: z.object({ user: z.string(), password: z.string().min(8).meta({ secret: true }) }),
  output: z.object({ user: z.string() }),
  positional: ["user", "password"],
  role: "operator",
  effect: ({ user }) => (user === "root" ? "dangerous" : "write"),
  execution: { mode: "queued", timeout_ms: 5_000, attempts: 2 },
  handle: async ({ user }) => ({ user }),
  present: ({ user }) => ({ tone: "ok", title: raw(`kept for ${user}`) }),
});

/** The product's texts, with any question a command of a test may ask. */
export const testTexts = () => withKeysOf(["ask.echo", "ask.vault_set", "ask.note"], loadTexts());
