import { z } from "zod";
import { type Command, slugOf } from "../core/command.ts";
import type { Locale } from "../core/locale.ts";
import type { Registry } from "../core/registry.ts";
import { includesRole } from "../core/request.ts";
import { bind } from "../core/text/bind.ts";
import { parseInput } from "../core/text/issues.ts";
import { normalise } from "../core/text/normalise.ts";
import { tokenise } from "../core/text/tokenise.ts";
import type { CommandDirectory, CommandExample, CommandListing } from "./deps.ts";

/** Describes every command for machines, once; what a schema does after parsing is not part of it. */
export function createDirectory(registry: Registry): CommandDirectory {
  const listings = registry.commands.map((command) => toListing(registry, command));
  return { commands: (role) => listings.filter((listing) => includesRole(role, listing.role)) };
}

function toListing(registry: Registry, command: Command): CommandListing {
  const { name, aliases, role, effect } = command;
  return {
    name,
    slug: slugOf(command),
    aliases,
    summary: (locale) => command.summary[locale],
    role,
    effect: typeof effect === "function" ? "depends" : effect,
    input_schema: z.toJSONSchema(command.input, { io: "input", unrepresentable: "any" }),
    output_schema: z.toJSONSchema(command.output, { io: "output", unrepresentable: "any" }),
    mode: command.execution.mode,
    examples: (locale) => command.examples[locale],
    exampleInputs: (locale) => exampleInputs(registry, command, locale),
    parse: (input) => parseInput(command, input),
  };
}

/** The registry has parsed each of them before, so that none is left out here. */
function exampleInputs(registry: Registry, command: Command, locale: Locale): readonly CommandExample[] {
  return command.examples[locale].flatMap((line) => {
    const found = registry.match(tokenise(normalise(line)));
    return found ? [{ line, input: bind(command, found.rest).input }] : [];
  });
}
