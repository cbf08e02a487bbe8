import { type Command, slugOf } from "../../core/command.ts";
import { OpsError } from "../../core/errors.ts";
import { suggest } from "../../core/match.ts";
import { text } from "../../core/reply.ts";
import { bind } from "../../core/text/bind.ts";
import { withHint } from "../../core/text/hint.ts";
import { parseInput } from "../../core/text/issues.ts";
import type { Token, ValueToken } from "../../core/text/tokenise.ts";
import { usageOf } from "../../core/text/usage.ts";
import type { CliDeps, CliFlags } from "./deps.ts";
import { withFiles } from "./word-files.ts";

/** What is to be done, as the arguments say it. */
export type Intent =
  | { readonly kind: "help"; readonly command?: Command }
  | { readonly kind: "ask"; readonly text: string }
  | { readonly kind: "call"; readonly slug: string; readonly input: Readonly<Record<string, unknown>> };

const OWN_FLAGS: Readonly<Record<string, keyof CliFlags>> = {
  "--json": "json",
  "--no-wait": "noWait",
  "--yes": "yes",
  "--help": "help",
  "-h": "help",
};

/** Takes the CLI's own flags out of the arguments, wherever they stand before a bare `--`. */
export function splitFlags(argv: readonly string[]): { readonly flags: CliFlags; readonly rest: readonly string[] } {
  const flags = { json: false, noWait: false, yes: false, help: false };
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const rest = argv.filter((word, at) => {
    const flag = at < end && Object.hasOwn(OWN_FLAGS, word) ? OWN_FLAGS[word] : undefined;
    if (flag) flags[flag] = true;
    return flag === undefined;
  });
  return { flags, rest };
}

/** What reading arguments needs. */
export type Reading = Pick<CliDeps, "registry" | "readFile">;

/**
 * Reads the arguments against the registry, and the files they name, without a network.
 * @throws OpsError `unknown_command`, `invalid_input` or `bad_request`, with a sentence for the person
 */
export function readArguments(words: readonly string[], help: boolean, { registry, readFile }: Reading): Intent {
  const [first] = words;
  if (first === undefined) return { kind: "help" };
  if (first === "help") return words.length === 1 ? { kind: "help" } : helpFor(words.slice(1), registry);
  if (help) return helpFor(words, registry);
  if (first === "ask") return toQuestion(words.slice(1));
  const found = registry.match(toTokens(words));
  if (!found) throw unknownCommand(words, registry);
  return toCall(found.command, withFiles(found.command, found.rest, readFile));
}

function helpFor(words: readonly string[], registry: CliDeps["registry"]): Intent {
  if (words[0] === "ask") return { kind: "help" };
  const found = registry.match(toTokens(words));
  if (!found) throw unknownCommand(words, registry);
  return { kind: "help", command: found.command };
}

function toQuestion(words: readonly string[]): Intent {
  const asked = words.filter((word) => word !== "--").join(" ");
  if (asked.trim() !== "") return { kind: "ask", text: asked };
  throw new OpsError("invalid_input", "nothing is asked", { text: text("cli.ask_what") });
}

/** The input is checked here as well, so that a slip costs no network; it is sent as it was typed, for the server to parse. */
function toCall(command: Command, rest: readonly Token[]): Intent {
  const { input, missing, hint } = bind(command, rest);
  if (missing.length > 0) {
    const params = { fields: missing.join(", "), usage: `switchboard ${usageOf(command)}` };
    throw new OpsError("invalid_input", "arguments are missing", { text: text("cli.missing", params) });
  }
  withHint(hint, () => parseInput(command, input));
  return { kind: "call", slug: slugOf(command), input };
}

function unknownCommand(words: readonly string[], registry: CliDeps["registry"]): OpsError {
  const asked = words.join(" ").slice(0, 60);
  const near = suggest(asked, registry, "admin");
  const commands = near.kind === "suggest" ? near.commands.join(", ") : "";
  const said = commands === "" ? text("cli.unknown_command", { asked }) : text("cli.unknown_command_nearest", { asked, commands });
  return new OpsError("unknown_command", "unknown command", { text: said });
}

/** The shell has taken the quotes away already; a word that still holds white space was quoted. */
function toTokens(words: readonly string[]): Token[] {
  const end = words.includes("--") ? words.indexOf("--") : words.length;
  return words.flatMap((word, at): Token[] => {
    if (at === end) return [];
    const [, name, value] = at < end ? (/^--(\p{L}[^\s=]*)(?:=(.*))?$/su.exec(word) ?? []) : [];
    if (name === undefined) return [toValue(word)];
    return [{ kind: "flag", name, value: value === undefined ? undefined : toValue(value) }];
  });
}

function toValue(value: string): ValueToken {
  return { kind: "value", value, quoted: /\s/.test(value) };
}
