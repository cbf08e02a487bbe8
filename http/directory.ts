import { z } from "zod";
import { type Command, slugOf } from "../core/command.ts";
import { includesRole } from "../core/request.ts";
import type { CommandDirectory, CommandListing } from "./deps.ts";

/** Describes every command for machines, once; what a schema does after parsing is not part of it. */
export function createDirectory(commands: readonly Command[]): CommandDirectory {
  const listings = commands.map(toListing);
  return { commands: (role) => listings.filter((listing) => includesRole(role, listing.role)) };
}

function toListing(command: Command): CommandListing {
  const { name, aliases, role, effect } = command;
  return {
    name,
    slug: slugOf(command),
    aliases,
    summary: (locale) => command.summary[locale],
    role,
    effect: typeof effect === "function" ? "depends" : effect,
    input_schema: z.toJSONSchema(command.input, { io: "input", unrepresentable: "any" }),
    examples: (locale) => command.examples[locale],
  };
}
