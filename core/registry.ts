import { type Command, slugOf } from "./command.ts";
import { LOCALES, type Locale } from "./locale.ts";
import type { Catalogue, CommandSummary } from "./ports.ts";
import type { Texts } from "./reply.ts";
import { includesRole } from "./request.ts";
import { bind } from "./text/bind.ts";
import { normalise } from "./text/normalise.ts";
import { type Token, tokenise } from "./text/tokenise.ts";
import { usageOf } from "./text/usage.ts";

/** Names that belong to the CLI and to dialogue; no command may take one (shared contract, "Commands"). */
const RESERVED = ["ask", "doctor", "keys", "seed", "serve", "backup", "restore", "cancel", "no"];
const SLUG = /^[a-z][a-z0-9_]{0,31}$/;
const SUMMARY_CHARS = 256;

/** The catalogue of commands, checked. */
export interface Registry {
  readonly commands: readonly Command[];
  /** By name, slug or alias, in any case; undefined when there is none. */
  find(name: string): Command | undefined;
  /** The command a line begins with (its longest name wins) and the tokens after it; null for free text. */
  match(tokens: readonly Token[]): { readonly command: Command; readonly rest: readonly Token[] } | null;
  /** What help shows. */
  readonly catalogue: Catalogue;
}

/**
 * Builds the registry, or refuses: two commands with one name, alias or phrase, a reserved name, an example that does not parse,
 * a text missing in a language.
 * @throws Error that names every culprit, one a line
 */
export function createRegistry(commands: readonly Command[], texts: Texts): Registry {
  const byName = new Map<string, Command>();
  for (const command of commands) for (const name of [command.name, slugOf(command), ...command.aliases]) byName.set(name, command);
  const registry: Registry = {
    commands,
    find: (name) => byName.get(name.trim().toLowerCase().replace(/\s+/g, " ")),
    match: (tokens) => match(byName, tokens),
    catalogue: createCatalogue(commands),
  };
  const problems = [...collisions(commands), ...commands.flatMap((command) => problemsOf(command, registry, texts))];
  if (problems.length > 0) throw new Error(`The catalogue of commands is inconsistent:\n${problems.join("\n")}`);
  return registry;
}

function match(byName: ReadonlyMap<string, Command>, tokens: readonly Token[]): ReturnType<Registry["match"]> {
  const words = tokens.map((token) => (token.kind === "flag" || token.quoted ? "" : token.value.toLowerCase()));
  const first = words[0]?.replace(/^\//, "").replace(/@\w+$/, "");
  if (!first) return null;
  for (let length = Math.min(words.length, 3); length > 0; length--) {
    const command = byName.get([first, ...words.slice(1, length)].join(" "));
    if (command) return { command, rest: tokens.slice(length) };
  }
  return null;
}

function createCatalogue(commands: readonly Command[]): Catalogue {
  const summaries = commands.map((command) => ({ command, summary: summarise(command) }));
  return {
    list: (role) => summaries.filter(({ command }) => includesRole(role, command.role)).map(({ summary }) => summary),
    find(name, role) {
      const wanted = name.replace(/^\//, "").toLowerCase().replaceAll(" ", "_");
      const hit = summaries.find(({ command, summary }) => summary.slug === wanted || command.aliases.includes(wanted));
      return hit && includesRole(role, hit.command.role) ? hit.summary : null;
    },
  };
}

function summarise(command: Command): CommandSummary {
  const { aliases, summary, examples, role } = command;
  return { slug: slugOf(command), aliases, summary, usage: usageOf(command), examples, role };
}

function collisions(commands: readonly Command[]): string[] {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  const claim = (what: string, key: string, owner: string) => {
    const taken = owners.get(key);
    if (taken !== undefined && taken !== owner) problems.push(`${what} "${key}" is claimed by both ${taken} and ${owner}`);
    owners.set(key, owner);
  };
  for (const command of commands) {
    const slug = slugOf(command);
    if (owners.has(slug)) problems.push(`name "${slug}" is claimed twice`);
    for (const name of new Set([slug, ...command.aliases])) {
      if (RESERVED.includes(name)) problems.push(`${slug}: the name "${name}" is reserved`);
      claim("name", name, slug);
    }
    for (const phrase of LOCALES.flatMap((locale) => command.phrases[locale])) claim("phrase", phrase.toLowerCase(), slug);
  }
  return problems;
}

function problemsOf(command: Command, registry: Registry, texts: Texts): string[] {
  const slug = slugOf(command);
  const problems = LOCALES.flatMap((locale) => localeProblems(command, locale, texts));
  for (const name of [slug, ...command.aliases])
    if (!SLUG.test(name)) problems.push(`${slug}: the name "${name}" is not made of a-z, 0-9 and "_", at most 32`);
  if (command.next && command.execution.mode !== "inline") problems.push(`${slug}: what leads to another command must be inline`);
  for (const example of LOCALES.flatMap((locale) => command.examples[locale]))
    problems.push(...exampleProblems(command, example, registry));
  return problems;
}

function localeProblems(command: Command, locale: Locale, texts: Texts): string[] {
  const slug = slugOf(command);
  const summary = command.summary[locale];
  const problems = command.positional
    .filter((field) => !command.input.shape[field]?.safeParse(undefined).success)
    .map((field) => questionKey(command, field))
    .filter((key) => !texts.has(key, locale))
    .map((key) => `${slug}: the text "${key}" is missing in ${locale}`);
  if (!summary || summary.length > SUMMARY_CHARS) problems.push(`${slug}: summary in ${locale} is missing or too long`);
  if (command.examples[locale].length === 0) problems.push(`${slug}: no example in ${locale}`);
  return problems;
}

function exampleProblems(command: Command, example: string, registry: Registry): string[] {
  try {
    const found = registry.match(tokenise(normalise(example)));
    if (found?.command !== command) return [`${slugOf(command)}: the example "${example}" is not a line of this command`];
    const { input, missing } = bind(command, found.rest);
    if (missing.length > 0) return [`${slugOf(command)}: the example "${example}" lacks ${missing.join(", ")}`];
    command.input.parse(input);
    return [];
  } catch (thrown) {
    return [`${slugOf(command)}: the example "${example}" does not parse: ${thrown instanceof Error ? thrown.message : thrown}`];
  }
}

/** The key of the text that asks for a missing field. */
export function questionKey(command: Command, field: string): string {
  return `ask.${slugOf(command)}.${field}`;
}
