import { type PlainReply, type Text, toPlainText } from "../../core/reply.ts";
import type { Session } from "./deps.ts";

/** Says a text in the user's language. */
export function say(session: Pick<Session, "texts" | "locale" | "zone">, words: Text): string {
  return session.texts.say(words, session.locale, session.zone);
}

/** A reply as lines of text; the lines it offers are shown as they are typed in a shell. */
export function renderReply(reply: PlainReply): string {
  const undo = reply.undo && { ...reply.undo, line: toShell(reply.undo.line) };
  const offers = (reply.buttons ?? []).flatMap(({ action }) => (action.kind === "say" ? [`  ${toShell(action.line)}`] : []));
  return [toPlainText({ ...reply, ...(undo && { undo }) }), ...offers].join("\n");
}

/**
 * An answer that was given: a file goes to the output as it is, for another program to read, and the words about it to whoever watches. A terminal is no
 * other program.
 */
export function printReply({ stdout, stderr }: Pick<Session, "stdout" | "stderr">, reply: PlainReply): void {
  const { file } = reply;
  if (file && stdout.isTTY) print(stdout, file.content.trimEnd());
  else if (file) stdout.write(file.content);
  print(file ? stderr : stdout, renderReply(reply));
}

function toShell(line: string): string {
  return `switchboard ${line.replace(/^\//, "")}`;
}

/** One line or more, with an end. What people typed cannot drive the terminal. */
export function print(stream: { write(words: string): unknown }, words: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are taken out
  stream.write(`${words.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")}\n`);
}
