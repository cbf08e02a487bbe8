import { slugOf } from "./command.ts";
import type { Registry } from "./registry.ts";
import { raw, text } from "./reply.ts";
import { includesRole, type Outcome, type Role } from "./request.ts";
import { cut } from "./text/cut.ts";
import { distance } from "./text/distance.ts";

const SUGGESTIONS = 3;
/** A word of n letters may differ in a third of them and still be meant. */
const TOLERANCE = 3;
/** No name has more words, or letters: a slug has at most 32, and a third of a word may be wrong. */
const MAX_WORDS = 3;
const MAX_NAME_CHARS = 48;

/** The answer to a line that is no command: the nearest three that the asker may run, or "I don't know that". */
export function suggest(line: string, registry: Registry, role: Role | null): Outcome {
  const spellings = spellingsOf(line);
  const commands = registry.commands
    .filter((command) => includesRole(role, command.role))
    .map((command) => ({
      slug: slugOf(command),
      far: Math.min(...[slugOf(command), ...command.aliases].map((name) => farness(spellings, name))),
    }))
    .filter(({ far }) => far < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.far - b.far)
    .slice(0, SUGGESTIONS)
    .map(({ slug }) => slug);
  const asked = cut(line);
  if (asked.trim() === "") {
    return { kind: "suggest", commands: [], reply: { tone: "info", title: text("suggest.empty"), buttons: [sayButton("/help")] } };
  }
  if (commands.length === 0) {
    return { kind: "suggest", commands, reply: { tone: "info", title: text("suggest.nothing", { asked }), buttons: [sayButton("/help")] } };
  }
  return {
    kind: "suggest",
    commands,
    reply: { tone: "info", title: text("suggest.did_you_mean", { asked }), buttons: commands.map((slug) => sayButton(`/${slug}`)) },
  };
}

/** The line's beginning as the names it may have meant: its first word, its first two and three, since names have spaces ("cf blok"). */
function spellingsOf(line: string): string[] {
  const [first = "", ...others] = line.trim().toLowerCase().split(/\s+/, MAX_WORDS);
  const words = [first.replace(/^\//, "").replace(/@\w+$/, ""), ...others];
  return words.map((_, at) => words.slice(0, at + 1).join("_")).filter((word) => word.length <= MAX_NAME_CHARS);
}

/** How many letters the nearest spelling is from a name; infinite where none could be meant. */
function farness(spellings: readonly string[], name: string): number {
  const near = spellings
    .map((word) => ({ far: distance(word, name), most: Math.max(1, Math.floor(word.length / TOLERANCE)) }))
    .filter(({ far, most }) => far <= most);
  return Math.min(...near.map(({ far }) => far));
}

const sayButton = (line: string) => ({ label: raw(line), action: { kind: "say" as const, line } });
