import { ERROR_CODES, type OpsError, toOpsError } from "../../core/errors.ts";
import { type Locale, toLocale } from "../../core/locale.ts";
import { readArguments, splitFlags } from "./arguments.ts";
import { createClient } from "./client.ts";
import { type CliDeps, EXIT, type Session } from "./deps.ts";
import { renderCommandHelp, renderHelp } from "./help.ts";
import { finish } from "./outcome.ts";
import { print, say } from "./print.ts";

/**
 * Runs a command of the registry over HTTP and prints what became of it.
 * @param argv the words after `switchboard`
 * @returns the exit code: 0 done, 1 failed or unknown, 2 usage, 3 needs confirmation, 4 not allowed
 */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { flags, rest } = splitFlags(argv);
  const session: Session = { ...deps, flags, locale: localeOf(deps.env) };
  try {
    return await run(session, rest);
  } catch (thrown) {
    const error = toOpsError(thrown);
    print(session.stderr, sentences(session, error));
    return ERROR_CODES[error.code].exit;
  }
}

async function run(session: Session, words: readonly string[]): Promise<number> {
  const intent = readArguments(words, session.flags.help, session);
  if (intent.kind === "help") {
    print(session.stdout, intent.command ? renderCommandHelp(session, intent.command) : renderHelp(session));
    return EXIT.done;
  }
  const client = createClient(session);
  const answer =
    intent.kind === "ask"
      ? await client.send("POST", "/api/v1/ask", { text: intent.text })
      : await client.send("POST", `/api/v1/commands/${intent.slug}`, intent.input);
  return finish(session, client, answer);
}

function sentences(session: Session, error: OpsError): string {
  // An error nobody foresaw has no sentence of its own; here its reader is whoever can mend it.
  if (error.code === "internal") return error.message;
  const said = [error.text, ...error.issues.map(({ message }) => message)].map((words) => say(session, words));
  return [...new Set(said)].join("\n");
}

/** The language of the shell: `LC_ALL` wins over `LC_MESSAGES` and `LANG` (POSIX). */
function localeOf(env: CliDeps["env"]): Locale {
  return toLocale(env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"], "en");
}
