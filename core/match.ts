import { slugOf } from "./command.ts";
import type { Registry } from "./registry.ts";
import { raw, text } from "./reply.ts";
import { includesRole, type Outcome, type Role } from "./request.ts";
import { distance } from "./text/distance.ts";

const SUGGESTIONS = 3;
/** A word of n letters may differ in a third of them and still be meant. */
const TOLERANCE = 3;
const SHOWN_CHARS = 60;

/** The answer to a line that is no command: the nearest three that the asker may run, or "I don't know that". */
export function suggest(line: string, registry: Registry, role: Role | null): Outcome {
  const word = line.trim().split(/\s+/)[0]?.replace(/^\//, "").replace(/@\w+$/, "").toLowerCase() ?? "";
  const ranked = registry.commands
    .filter((command) => includesRole(role, command.role))
    .map((command) => ({
      slug: slugOf(command),
      far: Math.min(...[slugOf(command), ...command.aliases].map((name) => distance(word, name))),
    }))
    .filter(({ far }) => far <= Math.max(1, Math.floor(word.length / TOLERANCE)))
    .sort((a, b) => a.far - b.far)
    .slice(0, SUGGESTIONS);
  const commands = ranked.map(({ slug }) => slug);
  const asked = line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS).trimEnd()}…` : line;
  if (commands.length === 0) {
    return { kind: "suggest", commands, reply: { tone: "info", title: text("suggest.nothing", { asked }), buttons: [sayButton("/help")] } };
  }
  return {
    kind: "suggest",
    commands,
    reply: { tone: "info", title: text("suggest.did_you_mean", { asked }), buttons: commands.map((slug) => sayButton(`/${slug}`)) },
  };
}

const sayButton = (line: string) => ({ label: raw(line), action: { kind: "say" as const, line } });
