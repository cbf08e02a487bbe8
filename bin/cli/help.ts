import { type Command, slugOf } from "../../core/command.ts";
import { text } from "../../core/reply.ts";
import { usageOf } from "../../core/text/usage.ts";
import type { Session } from "./deps.ts";
import { say } from "./print.ts";

/** What can be typed, from the registry of this build; whether one may run it, the server decides. */
export function renderHelp(session: Session): string {
  const { commands } = session.registry;
  const width = Math.max(0, ...commands.map((command) => slugOf(command).length));
  const listed = commands.map((command) => `  ${slugOf(command).padEnd(width)}  ${command.summary[session.locale]}`);
  return [
    say(session, text("cli.help.title")),
    "",
    "  switchboard COMMAND ... [--json] [--no-wait] [--yes]",
    '  switchboard ask "TEXT"',
    "  switchboard help COMMAND",
    "  switchboard serve",
    "  switchboard keys create --name NAME --role ROLE",
    "",
    say(session, text("cli.help.commands")),
    ...listed,
    "",
    say(session, text("cli.help.flags")),
    say(session, text("cli.help.settings")),
  ].join("\n");
}

/** How one command is typed. */
export function renderCommandHelp(session: Session, command: Command): string {
  const examples = command.examples[session.locale].map((line) => `  switchboard ${line.replace(/^\//, "")}`);
  return [
    command.summary[session.locale],
    "",
    `  switchboard ${usageOf(command)}`,
    "",
    say(session, text("cli.help.examples")),
    ...examples,
  ].join("\n");
}
