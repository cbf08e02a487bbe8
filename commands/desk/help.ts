import { z } from "zod";
import { defineCommand } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import { LOCALES } from "../../core/locale.ts";
import { raw, text } from "../../core/reply.ts";

const PerLocaleText = z.object({ en: z.string(), ko: z.string(), ru: z.string() });
const Entry = z.object({
  slug: z.string(),
  aliases: z.array(z.string()).readonly(),
  summary: PerLocaleText,
  usage: z.string(),
  examples: z.object({ en: z.array(z.string()).readonly(), ko: z.array(z.string()).readonly(), ru: z.array(z.string()).readonly() }),
});

/** Lists what the asker may run, or explains one command. What they may not run is not there. */
export const help = defineCommand({
  name: "help",
  aliases: ["start"],
  summary: { en: "See what you can ask for", ko: "사용할 수 있는 명령 보기", ru: "Что можно попросить" },
  phrases: { en: ["what can you do", "list of commands"], ko: ["도움말", "뭐 할 수 있어"], ru: ["что ты умеешь", "помощь"] },
  examples: { en: ["help", "help cf_block"], ko: ["help", "help cf_block"], ru: ["help", "help cf_block"] },
  input: z.object({ command: z.string().max(40).optional().describe("One command to explain") }),
  output: z.object({ commands: z.array(Entry).readonly(), one: z.boolean() }),
  positional: ["command"],
  role: "viewer",
  effect: "read",
  execution: { mode: "inline", timeout_ms: 5_000 },
  async handle({ command }, { ports, person }) {
    if (command === undefined) return { commands: ports.catalogue.list(person.role).map(toEntry), one: false };
    const found = ports.catalogue.find(command, person.role);
    if (!found) throw new OpsError("unknown_command", `no command ${command}`, { text: text("help.unknown", { command }) });
    return { commands: [toEntry(found)], one: true };
  },
  present({ commands, one }) {
    const [only] = commands;
    if (one && only) {
      return {
        tone: "info",
        title: { per_locale: only.summary },
        fields: [
          { label: text("help.usage"), value: raw(`/${only.usage}`), code: true },
          ...(only.aliases.length > 0
            ? [{ label: text("help.aliases"), value: raw(only.aliases.map((alias) => `/${alias}`).join(" ")) }]
            : []),
          { label: text("help.example"), value: { per_locale: firstExamples(only.examples) }, code: true },
        ],
      };
    }
    return {
      tone: "info",
      title: text("help.title"),
      fields: commands.map(({ slug, summary }) => ({ label: raw(`/${slug}`), value: { per_locale: summary } })),
      lines: [text("help.more", { command: commands[0]?.slug ?? "" })],
    };
  },
});

function toEntry({ slug, aliases, summary, usage, examples }: z.infer<typeof Entry>): z.infer<typeof Entry> {
  return { slug, aliases, summary, usage, examples };
}

function firstExamples(examples: z.infer<typeof Entry>["examples"]) {
  const [en, ko, ru] = LOCALES.map((locale) => `/${examples[locale].at(-1) ?? ""}`);
  return { en: en ?? "", ko: ko ?? "", ru: ru ?? "" };
}
